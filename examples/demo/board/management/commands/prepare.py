"""Create the demo's database and accounts."""

from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Migrate, then create each account with the password ``<name>-demo``."""

    help = "Create the demo's database and accounts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+")

    def handle(self, *, names: list[str], **options: Any) -> None:
        call_command("migrate", verbosity=0)
        for name in names:
            self._make_account(name)
        Group.objects.create(name="editors").user_set.set(User.objects.filter(username="bob"))

    def _make_account(self, name: str) -> None:
        make = User.objects.create_superuser if name == "admin" else User.objects.create_user
        make(name, f"{name}@example.com", f"{name}-demo")
