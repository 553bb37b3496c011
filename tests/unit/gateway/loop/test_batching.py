"""Batches grow with the load, one at a time; a failure reaches every caller of its batch."""

import asyncio

import pytest
from sockgate_gateway.loop.batching import MAX_BATCH, BatchedCalls, Batcher

from tests.waiting import turn_loop, until


async def test_items_added_during_a_batch_are_the_next_batch():
    batches: list[list[int]] = []
    may_end = asyncio.Event()

    async def process(batch: list[int]) -> None:
        batches.append(batch)
        await may_end.wait()

    batcher = Batcher(process)
    batcher.add(1)
    await until(lambda: batches)
    batcher.add(2)
    batcher.add(3)
    await turn_loop()
    assert batches == [[1]]
    may_end.set()
    await until(lambda: batches == [[1], [2, 3]])


async def test_batch_has_a_largest_size():
    sizes: list[int] = []

    async def process(batch: list[int]) -> None:
        sizes.append(len(batch))

    batcher = Batcher(process)
    for number in range(MAX_BATCH + 1):
        batcher.add(number)
    await until(lambda: sizes == [MAX_BATCH, 1])


async def test_each_caller_receives_its_own_reply():
    async def double(numbers):
        return [2 * number for number in numbers]

    calls = BatchedCalls(double)
    assert await asyncio.gather(*(calls.call(number) for number in range(3))) == [0, 2, 4]


async def test_failure_reaches_every_caller_of_the_batch_and_no_later_one():
    is_failing = True

    async def answer(numbers):
        if is_failing:
            raise ConnectionError
        return list(numbers)

    calls = BatchedCalls(answer)
    failures = await asyncio.gather(calls.call(1), calls.call(2), return_exceptions=True)
    assert [type(failure) for failure in failures] == [ConnectionError] * 2
    is_failing = False
    assert await calls.call(3) == 3


async def test_cancelled_caller_does_not_disturb_the_others():
    may_answer = asyncio.Event()

    async def answer(numbers):
        await may_answer.wait()
        return list(numbers)

    calls = BatchedCalls(answer)
    cancelled, other = (asyncio.create_task(calls.call(number)) for number in (1, 2))
    await turn_loop()
    cancelled.cancel()
    may_answer.set()
    assert await other == 2
    with pytest.raises(asyncio.CancelledError):
        await cancelled
