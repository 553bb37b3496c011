"""Connections to the master that Sentinels name, and clients of it.

Strategy: redis-py asks the Sentinels whenever it connects, but its connections live long. A
replaced master goes on as master for about ten seconds, or as long as it is cut off, and loses what
is written to it. So the pools ask the Sentinels again once a second while they are used. Where the
Sentinels do not answer, they are not asked for ten seconds, and the known master stays.
"""

from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from redis import RedisError
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelConnectionPool
from redis.sentinel import Sentinel, SentinelConnectionPool

from ..wire.addresses import RedisAddress
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


class MasterPool(SentinelConnectionPool):
    """Connections to the current master."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._schedule = _Schedule()
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        """Return a connection; idle connections to a former master are closed before."""
        if self._schedule.take_turn():
            with suppress(RedisError):
                self.get_master_address()  # type: ignore[no-untyped-call]
                self._schedule.succeed()
        return super().get_connection(*args, **kwargs)


class AsyncMasterPool(AsyncSentinelConnectionPool):
    """The asyncio twin."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._schedule = _Schedule()
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    async def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        """Return a connection, as ``MasterPool`` does."""
        if self._schedule.take_turn():
            with suppress(RedisError):
                await self.get_master_address()  # type: ignore[no-untyped-call]
                self._schedule.succeed()
        return await super().get_connection(*args, **kwargs)  # type: ignore[no-untyped-call]

    async def ensure_connection(self, connection: Any) -> None:
        """Reconnect a connection that was in use while the master was replaced."""
        is_elsewhere = (connection.host, connection.port) != self.master_address
        if connection.is_connected and is_elsewhere:
            await connection.disconnect()
        await super().ensure_connection(connection)


def open_sentinel(address: RedisAddress, timeout_s: float, **options: Any) -> Sentinel:
    """Open clients of the Sentinels.

    Args:
        address: names the Sentinels.
        timeout_s: for a connection to a Sentinel, and for its reply.
        options: of redis-py's clients.
    """
    kwargs = {**options, **sentinel_options(address, timeout_s)}
    return Sentinel(address.nodes, sentinel_kwargs=kwargs)  # type: ignore[no-untyped-call]


def open_async_sentinel(address: RedisAddress, timeout_s: float, **options: Any) -> AsyncSentinel:
    """Open the asyncio twin."""
    kwargs = {**options, **sentinel_options(address, timeout_s)}
    return AsyncSentinel(address.nodes, sentinel_kwargs=kwargs)  # type: ignore[no-untyped-call]
