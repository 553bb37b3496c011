"""Tasks side by side, and their end."""

import asyncio
import logging

import pytest

from gateway import background
from gateway.background import end, until_one_fails
from gateway.errors import GatewayError


class LinkLost(Exception):
    """What ends the others."""


async def lose_link() -> None:
    raise LinkLost


async def lose_cancellations(count: int, ended: list[str]) -> None:
    """Go on as often, as asyncio.wait_for does when an answer comes with the cancellation."""
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


async def test_first_failure_ends_the_others_and_is_raised():
    ended: list[str] = []
    with pytest.raises(LinkLost):
        await until_one_fails(lose_cancellations(0, ended), lose_link())
    assert ended == ["ended"]


async def test_lost_cancellation_does_not_keep_the_failure_back():
    ended: list[str] = []
    with pytest.raises(LinkLost):
        await until_one_fails(lose_cancellations(1, ended), lose_link())
    assert ended == ["ended"]


async def be_cancelled() -> None:
    raise asyncio.CancelledError


async def test_work_that_was_cancelled_by_itself_has_failed():
    ended: list[str] = []
    with pytest.raises(GatewayError):
        await until_one_fails(lose_cancellations(0, ended), be_cancelled())
    assert ended == ["ended"]


async def test_works_that_end_are_waited_for():
    ended: list[str] = []

    async def end_later() -> None:
        await asyncio.sleep(0.01)
        ended.append("later")

    await until_one_fails(end_later(), asyncio.sleep(0))
    assert ended == ["later"]


async def test_task_that_does_not_end_is_told_of(caplog):
    stubborn = asyncio.create_task(lose_cancellations(5, []), name="stubborn")
    await asyncio.sleep(0)
    with caplog.at_level(logging.ERROR, "gateway"):
        await end([stubborn])
    assert "event=tasks_left tasks=stubborn" in caplog.text
    while not stubborn.done():
        stubborn.cancel()
        await asyncio.sleep(0)


async def test_end_of_nothing_is_at_once():
    await end([])
