"""Commands of an operator about users and channels."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured, ObjectDoesNotExist
from django.core.management.base import CommandError, CommandParser
from redis import RedisError
from sockgate_gateway.redis_servers.errors import cause_of
from sockgate_gateway.wire.errors import ChannelNameError, TenantError

from ..errors import PublicationError
from ..tenants import use_tenant
from .quiet import QuietCommand


class OperatorCommand(QuietCommand):
    """A command that runs in a tenant, and whose failures are one line."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add ``--tenant``."""
        parser.add_argument("--tenant", help='where SOCKGATE["TENANT"] is set')

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            CommandError: Redis does not answer, or an argument or a setting is wrong.
        """
        try:
            with in_tenant(options["tenant"]):
                self.operate(options)
        except RedisError as error:
            raise CommandError(f"Redis does not answer: {cause_of(error)}.") from error
        except (ChannelNameError, PublicationError, TenantError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error

    def operate(self, options: dict[str, Any]) -> None:
        """Do what the command is for."""
        raise NotImplementedError


def in_tenant(tenant: str | None) -> AbstractContextManager[None]:
    """Use a tenant in a block, or the current one; raises as ``use_tenant``."""
    return nullcontext() if tenant is None else use_tenant(tenant)


def user_named(name: str) -> Any:
    """Return a user by the name of the login.

    Raises:
        CommandError: there is no such user.
    """
    try:
        return get_user_model()._default_manager.get_by_natural_key(name)
    except ObjectDoesNotExist:
        raise CommandError(f"There is no user {name!r}.") from None
