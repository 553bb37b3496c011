"""``manage.py sockgate_sync``: run at each deployment, next to ``migrate``."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from redis import RedisError

from ...channels import namespaces


class Command(BaseCommand):
    """Write the namespaces' policies to Redis."""

    help = 'Writes SOCKGATE["NAMESPACES"] to Redis, and notifies the gateways of a change.'

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the policies.

        Raises:
            CommandError: Redis does not answer.
        """
        try:
            is_changed = namespaces.sync()
        except RedisError as error:
            raise CommandError(f"Redis does not answer: {type(error).__name__}.") from error
        self.stdout.write("Namespaces written." if is_changed else "Namespaces are up to date.")
