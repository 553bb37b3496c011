"""One call for everything that comes while the previous call runs.

Strategy: what is added during a call waits for the next call, which then takes all that waits, so
the batch grows with the load by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

MAX_BATCH = 128

Item = TypeVar("Item")
Request = TypeVar("Request")
Reply = TypeVar("Reply")


class Batcher(Generic[Item]):
    """Process items in batches, one batch at a time.

    Args:
        process: processes one batch; it must not raise.
    """

    def __init__(self, process: Callable[[list[Item]], Awaitable[None]]) -> None:
        self._process = process
        self._waiting: list[Item] = []
        self._processing: asyncio.Task[None] | None = None

    def add(self, item: Item) -> None:
        """Process an item with the next batch."""
        self._waiting.append(item)
        if self._processing is None:
            self._processing = asyncio.create_task(self._process_waiting())

    async def _process_waiting(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._process(batch)
        finally:
            self._processing = None


class BatchedCalls(Generic[Request, Reply]):
    """Answer single requests, many with one call.

    Args:
        call_many: returns one reply for each request, or raises for all of them.
    """

    def __init__(self, call_many: Callable[[Sequence[Request]], Awaitable[list[Reply]]]) -> None:
        self._call_many = call_many
        self._batcher: Batcher[tuple[Request, asyncio.Future[Reply]]] = Batcher(self._call)

    async def call(self, request: Request) -> Reply:
        """Return the reply to one request; raises what ``call_many`` raises."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._batcher.add((request, reply))
        return await reply

    async def _call(self, batch: "list[tuple[Request, asyncio.Future[Reply]]]") -> None:
        try:
            replies = await self._call_many([request for request, _ in batch])
        except Exception as error:  # noqa: BLE001 -- every caller of the batch receives it
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), reply in zip(batch, replies, strict=True):
            if not future.done():
                future.set_result(reply)
