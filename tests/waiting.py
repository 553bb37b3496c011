"""Waiting for something to come true, for as long as patience lasts."""

import asyncio
from collections.abc import Callable

PATIENCE_S = 20


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until something has come true."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it never came true"
        await asyncio.sleep(0.005)


async def turn_loop(times: int = 5) -> None:
    """Let tasks that are ready run."""
    for _ in range(times):
        await asyncio.sleep(0)
