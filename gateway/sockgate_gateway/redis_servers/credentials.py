"""Credentials that expire: where they come from, and how live connections renew them.

Strategy: redis-py asks a ``CredentialProvider`` when a connection is opened, and for most providers
never again. So ``RenewedCredentials`` asks it every ``RENEW_S`` while connections are used, beside
them, and counts the renewals. A connection compares that count before each command, and sends
``AUTH`` first when it is behind. It is then held by one caller, so no other command is in between.
A refused ``AUTH`` leaves the connection logged in as before. The gateway's link, which only
receives, renews itself (``broker/pubsub.py``).
"""

import asyncio
import logging
from collections.abc import Callable
from importlib import import_module
from threading import Lock, Thread
from time import monotonic
from typing import Any

from redis.asyncio.connection import AbstractConnection as AsyncConnection
from redis.connection import AbstractConnection
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from ..wire.secrets import Secret

log = logging.getLogger("sockgate.broker")

RENEW_S = 30.0
"""How long before the old credentials end a provider must name new ones."""

ANSWER_LIMIT_S = 5.0

Credentials = tuple[str, ...]
"""A password, or a user and a password."""


class CredentialsError(Exception):
    """The factory of credentials cannot be used."""


class RenewedCredentials(CredentialProvider):
    """Asks another provider, and counts how often it has named other credentials.

    Args:
        provider: implements redis-py's interface.
        clock: returns seconds.

    ``renewals``: how often the credentials have changed.
    """

    def __init__(
        self, provider: CredentialProvider, clock: Callable[[], float] = monotonic
    ) -> None:
        self._provider = provider
        self._clock = clock
        self._deciding = Lock()
        self._task: asyncio.Task[None] | None = None
        self._due_at = float("-inf")
        self._current: Credentials = ()
        self.renewals = 0

    def get_credentials(self) -> Any:
        """Return the present credentials.

        Raises:
            redis.ConnectionError: the provider fails. Its message may hold a secret, and is left
                out.
        """
        try:
            found = self._provider.get_credentials()
        except Exception as error:  # noqa: BLE001  (a provider may raise anything)
            raise _failure(error) from None
        return self._noted(found)

    async def get_credentials_async(self) -> Any:
        """Return the present credentials; one that may block is asked in a thread."""
        has_own = type(self._provider).get_credentials_async is not _BLOCKING
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                if has_own:
                    found = await self._provider.get_credentials_async()
                else:
                    found = await asyncio.to_thread(self._provider.get_credentials)
        except Exception as error:  # noqa: BLE001  (a provider may raise anything)
            raise _failure(error) from None
        return self._noted(found)

    def refresh(self) -> None:
        """Ask again in a thread if it is time; the caller does not wait."""
        if self._begin():
            Thread(target=self._ask, daemon=True).start()

    def refresh_async(self) -> None:
        """Ask again in a task if it is time; the caller does not wait."""
        if self._begin():
            self._task = asyncio.get_running_loop().create_task(self._ask_async())

    def _begin(self) -> bool:
        if self._clock() < self._due_at:
            return False
        with self._deciding:
            is_due = self._clock() >= self._due_at
            self._due_at = self._clock() + RENEW_S
        return is_due

    def _ask(self) -> None:
        try:
            self.get_credentials()
        except RedisConnectionError as error:
            log.warning("event=credentials_not_renewed cause=%r", str(error))

    async def _ask_async(self) -> None:
        try:
            await self.get_credentials_async()
        except RedisConnectionError as error:
            log.warning("event=credentials_not_renewed cause=%r", str(error))

    @property
    def current(self) -> Credentials:
        """The credentials that the provider has named last."""
        return self._current

    def _noted(self, found: Any) -> Credentials:
        credentials = tuple(map(Secret, found))
        if credentials != self._current:
            self._current = credentials
            self.renewals += 1
        self._due_at = self._clock() + RENEW_S
        return credentials


_BLOCKING = CredentialProvider.get_credentials_async
"""What a provider has that does not implement the asyncio half."""


def _failure(error: Exception) -> RedisConnectionError:
    kind = type(error).__name__
    return RedisConnectionError(f"the provider of Redis credentials failed ({kind})")


def find_factory(path: str) -> Callable[[], Any]:
    """Import a factory by its path, ``package.module:factory``.

    Raises:
        CredentialsError: it cannot be imported, or cannot be called.
    """
    module, _, name = path.partition(":")
    if not module or not name:
        raise CredentialsError("must be package.module:factory")
    try:
        factory = getattr(import_module(module), name)
    except Exception as error:
        raise CredentialsError(f"cannot be imported ({type(error).__name__})") from error
    if not callable(factory):
        raise CredentialsError("names nothing that can be called")
    return factory  # type: ignore[no-any-return]


def load_credentials(path: str) -> RenewedCredentials:
    """Import a factory and call it.

    Raises:
        CredentialsError: it cannot be imported or called, or returns something else.
    """
    return made_by(find_factory(path))


def made_by(factory: Callable[[], Any]) -> RenewedCredentials:
    """Call a factory; raises as ``load_credentials`` does."""
    try:
        provider = factory()
    except Exception as error:
        raise CredentialsError(f"the factory has failed ({type(error).__name__})") from error
    if not isinstance(provider, CredentialProvider):
        raise CredentialsError("the factory must return a CredentialProvider of redis-py")
    return RenewedCredentials(provider)


class _Renews(AbstractConnection):
    """A blocking connection that logs in again before a command; a part of a class."""

    credential_provider: Any
    _renewal = 0

    def on_connect_check_health(self, *args: Any, **options: Any) -> None:
        before, self._renewal = self.credential_provider.renewals, -1
        super().on_connect_check_health(*args, **options)
        self._renewal = before

    def send_packed_command(self, *args: Any, **options: Any) -> Any:
        if self.is_connected and self._renewal >= 0:
            self.credential_provider.refresh()
            self._log_in_again()
        return super().send_packed_command(*args, **options)  # type: ignore[no-untyped-call]

    def _log_in_again(self) -> None:
        provider = self.credential_provider
        if self._renewal == provider.renewals:
            return
        self._renewal, latest = -1, provider.renewals
        try:
            self.send_command("AUTH", *provider.current)  # type: ignore[no-untyped-call]
            self.read_response()
        except (AuthenticationError, ResponseError) as error:
            log_refusal(error)
        self._renewal = latest


class _RenewsAsync(AsyncConnection):
    """The asyncio twin."""

    credential_provider: Any
    _renewal = 0

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        before, self._renewal = self.credential_provider.renewals, -1
        await super().on_connect_check_health(check_health)
        self._renewal = before

    async def send_packed_command(self, *args: Any, **options: Any) -> None:
        if self.is_connected and self._renewal >= 0:
            self.credential_provider.refresh_async()
            await self._log_in_again()
        await super().send_packed_command(*args, **options)

    async def _log_in_again(self) -> None:
        provider = self.credential_provider
        if self._renewal == provider.renewals:
            return
        self._renewal, latest = -1, provider.renewals
        try:
            await self.send_command("AUTH", *provider.current)
            await self.read_response()
        except (AuthenticationError, ResponseError) as error:
            log_refusal(error)
        self._renewal = latest


def log_refusal(error: Exception) -> None:
    """Log that a server has refused to renew a login; the connection stays as it is."""
    log.warning("event=credentials_refused cause=%r", str(error).rstrip("."))


def renewing(kind: Any) -> Any:
    """Return the class of a connection that renews its login."""
    part = _RenewsAsync if issubclass(kind, AsyncConnection) else _Renews
    return type(f"Renewing{kind.__name__}", (part, kind), {})


def provided_by(credentials: CredentialProvider) -> dict[str, Any]:
    """Return options of connections that take user and password from a provider alone."""
    return {"username": None, "password": None, "credential_provider": credentials}


def with_credentials(options: dict[str, Any], credentials: CredentialProvider | None) -> Any:
    """Return options of connections, with the provider in place of user and password."""
    if credentials is None:
        return options
    kept = options | provided_by(credentials)
    kind = kept.get("connection_class")
    if kind is not None and isinstance(credentials, RenewedCredentials):
        kept["connection_class"] = renewing(kind)
    return kept
