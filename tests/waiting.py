"""Waiting for something to come true, for as long as patience lasts."""

import asyncio
from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 20
PATIENCE_WITH_PROCESSES_S = 120
"""Processes start and take over slowly on a loaded machine; only a failure takes this long."""


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until something has come true."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it never came true"
        await asyncio.sleep(0.005)  # Poll: a condition sets no event.


def wait_until(
    condition: Callable[[], T], explain: Callable[[], object] = lambda: "it never came true"
) -> T:
    """Wait until something outside of this thread has come true, and return it."""
    deadline = monotonic() + PATIENCE_WITH_PROCESSES_S
    while not (found := condition()):
        assert monotonic() < deadline, explain()
        sleep(0.02)  # Poll: other processes and threads set no event.
    return found


async def turn_loop(times: int = 5) -> None:
    """Let tasks that are ready run."""
    for _ in range(times):
        await asyncio.sleep(0)  # One turn of the loop.
