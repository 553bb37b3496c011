"""``manage.py sockgate_sync``: run at each deployment, next to ``migrate``."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from redis import RedisError
from sockgate_gateway.redis_servers.errors import cause_of
from sockgate_gateway.wire.errors import TenantError

from ...channels import namespaces
from ...users import records
from ..quiet import QuietCommand


class Command(QuietCommand):
    """Write the namespaces' policies to Redis; with ``--users`` also the users' records."""

    help = (
        'Writes SOCKGATE["NAMESPACES"] to Redis, and notifies the gateways of a change. With '
        "--users also the record of each user who has one: groups, permissions, password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add ``--users``."""
        parser.add_argument(
            "--users",
            action="store_true",
            help="also after changes that did not reach Redis; of one tenant, under TENANT",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the policies, and the records.

        Raises:
            CommandError: Redis does not answer, or there is no current tenant.
        """
        try:
            is_changed = namespaces.sync()
            users = records.refresh_all() if options["users"] else None
        except RedisError as error:
            raise CommandError(f"Redis does not answer: {cause_of(error)}.") from error
        except (TenantError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Namespaces written." if is_changed else "Namespaces are up to date.")
        if users is not None:
            self.stdout.write(f"Users with a record, all up to date: {users}.")
