"""Tasks that run in the background: keep them, run several together, cancel them."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any

from ..errors import GatewayError

log = logging.getLogger("sockgate")

CANCELLATIONS = 3
CANCEL_TIMEOUT_S = 1.0

Work = Coroutine[Any, Any, None]


class BackgroundTasks:
    """Hold tasks until they end; the event loop itself refers to them only weakly."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Work) -> None:
        """Start a task; the event loop logs an exception that it raises."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def run_until_one_fails(*works: Work) -> None:
    """Run coroutines side by side; when one fails, cancel the others and raise its exception.

    A coroutine that was cancelled from outside has failed, too.

    This is not a task group: those of Python 3.11 and 3.12 confuse the failure of a child with a
    cancellation of their own task at the same moment (python/cpython#116720).
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    pending = set(tasks)
    try:
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                _raise_failure(task)
    finally:
        await cancel_tasks(tasks)


async def cancel_tasks(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancel tasks, and wait until they have ended.

    One cancellation is not always enough: ``asyncio.wait_for``, which redis-py uses, may lose one
    that coincides with a reply (python/cpython#86296).
    """
    pending = set(tasks)
    for _ in range(CANCELLATIONS):
        if not pending:
            return
        for task in pending:
            task.cancel()
        ended, pending = await asyncio.wait(pending, timeout=CANCEL_TIMEOUT_S)
        for task in ended:
            retrieve_result(task)
    if pending:
        log.error("event=tasks_left tasks=%s", ",".join(task.get_name() for task in pending))


def retrieve_result(future: "asyncio.Future[None]") -> None:
    """Retrieve the exception of a finished future, so that asyncio does not log it."""
    if not future.cancelled():
        future.exception()


def _raise_failure(task: "asyncio.Task[None]") -> None:
    if task.cancelled():
        raise GatewayError(f"{task.get_name()} was cancelled unexpectedly")
    task.result()
