"""Results that somebody waits for, by key: answers to requests, subscriptions, a state."""

import asyncio
from collections.abc import Hashable
from typing import Any

from .errors import ClientError


class Waiters:
    """Futures by key."""

    def __init__(self) -> None:
        self._futures: dict[Hashable, asyncio.Future[Any]] = {}

    def expect(self, key: Hashable) -> "asyncio.Future[Any]":
        """Return the future of a key, one for all who wait for it."""
        if key not in self._futures:
            future = self._futures[key] = asyncio.get_running_loop().create_future()
            # An error that nobody waits for is no mistake.
            future.add_done_callback(lambda it: it.cancelled() or it.exception())
        return self._futures[key]

    async def wait(self, key: Hashable, timeout_s: float | None = None) -> Any:
        """Wait for a result.

        Raises:
            TimeoutError: none came in time.
            ClientError: the one that was set.
        """
        async with asyncio.timeout(timeout_s):
            return await asyncio.shield(self.expect(key))

    def resolve(self, key: Hashable, result: object) -> bool:
        """Pass a result to all who wait for a key; False: there is none. An error is raised."""
        future = self._futures.pop(key, None)
        if future is None:
            return False
        if not future.done() and isinstance(result, ClientError):
            future.set_exception(result)
        elif not future.done():
            future.set_result(result)
        return True

    def forget(self, key: Hashable) -> None:
        """Wait for a key no more."""
        self._futures.pop(key, None)

    def fail_all(self, error: ClientError) -> None:
        """Raise an error to all who wait."""
        for key in list(self._futures):
            self.resolve(key, error)
