"""Connections to the master that Sentinels name, for the gateway and for Django.

Strategy: ``masters.py`` says which master counts, and a connection remembers the master to which it
was opened. One that was opened to another master than the current one is not used again. redis-py
asks the Sentinels whenever it connects, but its connections live long. A replaced master goes on as
master for about ten seconds, or as long as it is cut off, and loses what is written to it. So
somebody must ask again. The gateway asks with each probe of its link
(``broker/servers/sentinel.py``). The pools of Django ask once a second while they are used. Where
the Sentinels do not answer, these are not asked for ten seconds, and open connections stay.
"""

from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from redis import RedisError
from redis import sentinel as blocking
from redis.asyncio import sentinel as asynchronous
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from ..wire.addresses import RedisAddress
from .connection import ErrorsNameServer, HiredisConnection
from .errors import FAILURES
from .masters import Master, Masters, WhenDown
from .options import sentinel_options

QUERY_INTERVAL_S = 1.0
FAILURE_PAUSE_S = 10.0


class _Schedule:
    """When the Sentinels are to be asked again."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._due_at = 0.0

    def take_turn(self) -> bool:
        """Return whether the caller is to ask; all others wait for ``succeed`` or the pause."""
        if self._clock() < self._due_at:
            return False
        self._due_at = self._clock() + FAILURE_PAUSE_S
        return True

    def succeed(self) -> None:
        """Note that a Sentinel has answered."""
        self._due_at = self._clock() + QUERY_INTERVAL_S


class Sentinels(blocking.Sentinel):
    """Blocking clients of the Sentinels of one service."""

    def __init__(self, address: RedisAddress, options: dict[str, Any]) -> None:
        super().__init__(address.nodes, sentinel_kwargs=options)  # type: ignore[no-untyped-call]
        self.masters = Masters(address.service, WhenDown.FAIL)

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Ask for the master.

        Raises:
            redis.ConnectionError: there is none.
        """
        inquiry = self.masters.begin(len(self.sentinels))
        for sentinel in list(self.sentinels):
            try:
                states: Any = sentinel.sentinel_masters()
            except FAILURES as error:
                inquiry.add_failure(error)
                continue
            if inquiry.add_reply(states):
                _ask_first(sentinel, self.sentinels)
                break
        return inquiry.finish().address

    def close(self) -> None:
        """Close the connections to the Sentinels; redis-py has it since 8.1."""
        for sentinel in self.sentinels:
            sentinel.close()


class AsyncSentinels(asynchronous.Sentinel):
    """The asyncio twin.

    Args:
        address: names the Sentinels and the service.
        options: of redis-py's clients.
        when_down: what counts when no Sentinel reports a master that is up.
    """

    def __init__(self, address: RedisAddress, options: dict[str, Any], when_down: WhenDown) -> None:
        super().__init__(address.nodes, sentinel_kwargs=options)  # type: ignore[no-untyped-call]
        self.masters = Masters(address.service, when_down)

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Ask for the master, as ``Sentinels`` does."""
        inquiry = self.masters.begin(len(self.sentinels))
        for sentinel in list(self.sentinels):
            try:
                states: Any = await sentinel.sentinel_masters()
            except FAILURES as error:
                inquiry.add_failure(error)
                continue
            if inquiry.add_reply(states):
                _ask_first(sentinel, self.sentinels)
                break
        return inquiry.finish().address

    async def aclose(self) -> None:
        """Close the connections to the Sentinels; redis-py has it since 8.1."""
        for sentinel in self.sentinels:
            await sentinel.aclose()


class MasterConnection(blocking.SentinelManagedConnection):
    """Remembers the master to which it is connected."""

    master: Master | None = None

    def connect_to(self, address: tuple[str, int]) -> None:
        """Connect to the current master.

        Raises:
            redis.ConnectionError: it is another one by now.
        """
        master = _master_at(address, self)
        super().connect_to(address)  # type: ignore[no-untyped-call]
        self.master = master


class MasterTLSConnection(MasterConnection, blocking.SentinelManagedSSLConnection):
    """The same with TLS."""


class AsyncFollowsMaster(asynchronous.SentinelManagedConnection):
    """The asyncio twin of ``MasterConnection``, as a part of a class."""

    master: Master | None = None

    async def connect_to(self, address: tuple[str, int]) -> None:
        """Connect to the current master, as ``MasterConnection`` does."""
        master = _master_at(address, self)
        await super().connect_to(address)  # type: ignore[no-untyped-call]
        self.master = master


class AsyncMasterConnection(ErrorsNameServer, AsyncFollowsMaster, HiredisConnection):
    """A TCP connection to the master."""


class AsyncMasterTLSConnection(
    ErrorsNameServer, AsyncFollowsMaster, asynchronous.SentinelManagedSSLConnection
):
    """A TLS connection to the master."""


class MasterPool(blocking.SentinelConnectionPool):
    """Blocking connections to the current master; the Sentinels are asked while it is used."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._schedule = _Schedule()
        is_tls = kwargs.pop("ssl", False)
        kwargs["connection_class"] = MasterTLSConnection if is_tls else MasterConnection
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        """Return a connection; idle connections to a former master are closed before."""
        if self._schedule.take_turn():
            with suppress(RedisError):
                self.get_master_address()  # type: ignore[no-untyped-call]
                self._schedule.succeed()
        return super().get_connection(*args, **kwargs)

    def owns_connection(self, connection: Any) -> bool:
        """Return whether a connection that was in use may be used again."""
        is_current = connection.master == self.sentinel_manager.masters.current
        return is_current and super().owns_connection(connection)  # type: ignore[no-untyped-call, no-any-return]


class AsyncMasterPool(asynchronous.SentinelConnectionPool):
    """Asyncio connections to the current master."""

    async def get_master_address(self) -> tuple[str, int]:
        """Ask the Sentinels; connections to a former master are closed before they are used."""
        return await self.sentinel_manager.discover_master(self.service_name)  # type: ignore[no-any-return]

    async def ensure_connection(self, connection: Any) -> None:
        """Reconnect a connection to a former master before it is used again."""
        is_former = connection.master != self.sentinel_manager.masters.current
        if connection.is_connected and is_former:
            await connection.disconnect()
        await super().ensure_connection(connection)


class AsyncAskingMasterPool(AsyncMasterPool):
    """The asyncio twin of ``MasterPool``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._schedule = _Schedule()
        is_tls = kwargs.pop("ssl", False)
        kwargs["connection_class"] = AsyncMasterTLSConnection if is_tls else AsyncMasterConnection
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    async def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        """Return a connection, as ``MasterPool`` does."""
        if self._schedule.take_turn():
            with suppress(RedisError):
                await self.get_master_address()
                self._schedule.succeed()
        return await super().get_connection(*args, **kwargs)  # type: ignore[no-untyped-call]


def open_sentinel(address: RedisAddress, timeout_s: float) -> Sentinels:
    """Open clients of the Sentinels, which are asked once each; the next one is the retry.

    By default redis-py asks each one four times, with pauses that add up to seven seconds.

    Args:
        address: names the Sentinels.
        timeout_s: for a connection to a Sentinel, and for its reply.
    """
    once = Retry(NoBackoff(), 0)
    return Sentinels(address, {"retry": once, **sentinel_options(address, timeout_s)})


def open_async_sentinel(
    address: RedisAddress, timeout_s: float, when_down: WhenDown, **options: Any
) -> AsyncSentinels:
    """Open the asyncio twin.

    Args:
        address: names the Sentinels.
        timeout_s: for a connection to a Sentinel, and for its reply.
        when_down: what counts when no Sentinel reports a master that is up.
        options: of redis-py's clients.
    """
    once = AsyncRetry(NoBackoff(), 0)
    kwargs = {"retry": once, **options, **sentinel_options(address, timeout_s)}
    return AsyncSentinels(address, kwargs, when_down)


def _master_at(address: tuple[str, int], connection: Any) -> Master:
    """Return the current master, which a connection is about to be opened to."""
    current: Master | None = connection.connection_pool.sentinel_manager.masters.current
    if current is None or current.address != address:
        raise RedisConnectionError("the master was replaced")
    return current


def _ask_first(sentinel: Any, sentinels: list[Any]) -> None:
    """Ask a Sentinel that has answered before those that have not, the next time."""
    sentinels[:] = [sentinel, *(other for other in sentinels if other is not sentinel)]
