"""``manage.py sockgate_sync``: for the deployment, beside ``migrate``."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from redis import RedisError

from djangoauth import namespaces


class Command(BaseCommand):
    """Write the namespaces' policies to Redis."""

    help = 'Writes SOCKGATE["NAMESPACES"] to Redis, and tells the gateways if it changed.'

    def handle(self, *args: Any, **options: Any) -> None:
        """Write them."""
        try:
            is_news = namespaces.sync()
        except RedisError as error:
            raise CommandError(f"Redis does not answer: {type(error).__name__}.") from error
        self.stdout.write("Namespaces written." if is_news else "Namespaces are up to date.")
