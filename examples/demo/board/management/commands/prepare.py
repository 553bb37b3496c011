"""Create the demo's database and accounts."""

from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from board.models import Task

CARDS = (
    ("Order paper bags", 0, False),
    ("Answer Mrs. Adeyemi", 0, False),
    ("Price of the blue lamp", 1, False),
    ("Salaries for December", 1, True),
    ("Unpack the delivery", 2, False),
)
"""Each with its column, and whether only the staff sees it."""


class Command(BaseCommand):
    """Migrate, then create each account with the password ``<name>-demo``."""

    help = "Create the demo's database and accounts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+")

    def handle(self, *, names: list[str], **options: Any) -> None:
        call_command("migrate", verbosity=0, run_syncdb=True)
        for name in names:
            self._make_account(name)
        Task.objects.bulk_create(
            Task(title=title, column=column, is_for_staff=is_for_staff)
            for title, column, is_for_staff in CARDS
        )
        Group.objects.create(name="editors").user_set.set(User.objects.filter(username="bob"))

    def _make_account(self, name: str) -> None:
        make = User.objects.create_superuser if name == "admin" else User.objects.create_user
        make(name, f"{name}@example.com", f"{name}-demo")
