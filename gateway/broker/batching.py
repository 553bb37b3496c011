"""One round trip for all that ask in the same moment.

Strategy: whoever asks while a reading is under way waits for the next one, which then takes all
that wait, so the batch grows with the load by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

MAX_BATCH = 128

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Batched(Generic[Question, Answer]):
    """Answer questions many at once.

    Args:
        read_many: answers several; may raise ``BrokerUnavailable``.
    """

    def __init__(self, read_many: Callable[[Sequence[Question]], Awaitable[list[Answer]]]) -> None:
        self._read_many = read_many
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._reading: asyncio.Task[None] | None = None

    async def read(self, question: Question) -> Answer:
        """Answer one question, together with whoever else asks now.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_waiting())
        return await answer

    async def _read_waiting(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._answer(batch)
        finally:
            self._reading = None

    async def _answer(self, batch: "list[tuple[Question, asyncio.Future[Answer]]]") -> None:
        try:
            answers = await self._read_many([question for question, _ in batch])
        except Exception as error:  # noqa: BLE001 -- whoever asked must hear of it
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
