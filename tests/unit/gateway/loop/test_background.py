"""Run tasks side by side, and cancel them."""

import asyncio
import logging

import pytest
from sockgate_gateway.errors import GatewayError
from sockgate_gateway.loop import background
from sockgate_gateway.loop.background import cancel_tasks, run_until_one_fails


class LinkLost(Exception):
    """The failure of one task."""


async def lose_link() -> None:
    raise LinkLost


async def lose_cancellations(count: int, ended: list[str]) -> None:
    """Swallow cancellations, as asyncio.wait_for may when a reply coincides with one."""
    for _ in range(count):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("ended")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(background, "CANCEL_TIMEOUT_S", 0.01)


async def test_first_failure_cancels_the_others_and_is_raised():
    ended: list[str] = []
    with pytest.raises(LinkLost):
        await run_until_one_fails(lose_cancellations(0, ended), lose_link())
    assert ended == ["ended"]


async def test_lost_cancellation_is_repeated():
    ended: list[str] = []
    with pytest.raises(LinkLost):
        await run_until_one_fails(lose_cancellations(1, ended), lose_link())
    assert ended == ["ended"]


async def be_cancelled() -> None:
    raise asyncio.CancelledError


async def test_task_that_was_cancelled_unexpectedly_has_failed():
    ended: list[str] = []
    with pytest.raises(GatewayError):
        await run_until_one_fails(lose_cancellations(0, ended), be_cancelled())
    assert ended == ["ended"]


async def test_tasks_that_end_are_awaited():
    ended: list[str] = []

    async def end_later() -> None:
        await asyncio.sleep(0.01)  # The other task ends first.
        ended.append("later")

    await run_until_one_fails(end_later(), asyncio.sleep(0))  # One turn: it ends first.
    assert ended == ["later"]


async def test_task_that_does_not_end_is_logged(caplog):
    stubborn = asyncio.create_task(lose_cancellations(5, []), name="stubborn")
    await asyncio.sleep(0)  # One turn of the loop: the task has begun.
    with caplog.at_level(logging.ERROR, "gateway"):
        await cancel_tasks([stubborn])
    assert "event=tasks_left tasks=stubborn" in caplog.text
    while not stubborn.done():
        stubborn.cancel()
        await asyncio.sleep(0)  # One turn for each cancellation that it loses.


async def test_cancelling_no_tasks_returns_at_once():
    await cancel_tasks([])
