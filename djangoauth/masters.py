"""Connections to the master that Sentinels name, which ask again whether it still is.

Strategy: redis-py asks the Sentinels whenever it connects, and its connections live long. A master
that was replaced believes in itself for some ten seconds, or for as long as it is cut off, and
takes what is then lost. So the Sentinels are asked once in a second of use; where they do not
answer, they are left in peace for a while, and the master that is known goes on.
"""

from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from redis import RedisError
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelConnectionPool
from redis.sentinel import SentinelConnectionPool

LOOK_S = 1.0
PEACE_S = 10.0


class _Clock:
    """Tells when the Sentinels are to be asked again."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._due_at = 0.0

    def is_due(self) -> bool:
        """Tell it, to one asker alone; until ``answered``, they are left in peace."""
        if self._clock() < self._due_at:
            return False
        self._due_at = self._clock() + PEACE_S
        return True

    def answered(self) -> None:
        """Note that they have answered."""
        self._due_at = self._clock() + LOOK_S


class MasterPool(SentinelConnectionPool):
    """Connections to the master of the moment."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._look = _Clock()
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        """Give a connection; idle ones to a former master are closed before."""
        if self._look.is_due():
            with suppress(RedisError):
                self.get_master_address()  # type: ignore[no-untyped-call]
                self._look.answered()
        return super().get_connection(*args, **kwargs)


class AsyncMasterPool(AsyncSentinelConnectionPool):
    """The asyncio twin."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._look = _Clock()
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    async def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        """Give a connection, as ``MasterPool`` does."""
        if self._look.is_due():
            with suppress(RedisError):
                await self.get_master_address()  # type: ignore[no-untyped-call]
                self._look.answered()
        return await super().get_connection(*args, **kwargs)  # type: ignore[no-untyped-call]

    async def ensure_connection(self, connection: Any) -> None:
        """Reconnect one that was in use while the master was replaced."""
        is_elsewhere = (connection.host, connection.port) != self.master_address
        if connection.is_connected and is_elsewhere:
            await connection.disconnect()
        await super().ensure_connection(connection)
