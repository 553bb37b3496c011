"""Tasks that run beside what awaits."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any

from .errors import GatewayError

log = logging.getLogger("gateway")

CANCELLATIONS = 3
CANCEL_TIMEOUT_S = 1.0

Work = Coroutine[Any, Any, None]


class Background:
    """Work that nobody waits for; the loop itself would let go of it before it ends."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_idle(self) -> bool:
        """Tell whether everything that was started has ended."""
        return not self._tasks

    def start(self, work: Work) -> None:
        """Run work, soon; what it raises is the loop's to report."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def until_one_fails(*works: Work) -> None:
    """Run works side by side; when one fails, end the others and raise what it raised.

    One that was cancelled by itself has failed, too: the others must not go on without it.

    Not a task group: those of Python 3.11 and 3.12 confuse the failure of a child with a
    cancellation of their own task that comes in the same moment (python/cpython#116720).
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    pending = set(tasks)
    try:
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                _raise_failure(task)
    finally:
        await end(tasks)


async def end(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancel tasks, and wait until they have ended.

    Once is not always enough: ``asyncio.wait_for``, under redis-py, may lose a cancellation that
    comes together with an answer (python/cpython#86296).
    """
    pending = set(tasks)
    for _ in range(CANCELLATIONS):
        if not pending:
            return
        for task in pending:
            task.cancel()
        ended, pending = await asyncio.wait(pending, timeout=CANCEL_TIMEOUT_S)
        for task in ended:
            _retrieve(task)
    if pending:
        log.error("event=tasks_left tasks=%s", ",".join(task.get_name() for task in pending))


def _raise_failure(task: "asyncio.Task[None]") -> None:
    if task.cancelled():
        raise GatewayError(f"{task.get_name()} was cancelled, and nobody knows by whom")
    task.result()


def _retrieve(task: "asyncio.Task[None]") -> None:
    """Look at what an ended task has raised; else the loop would complain that nobody did."""
    if not task.cancelled():
        task.exception()
