"""Running the callbacks of ``transaction.on_commit`` in a test that never commits."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connections
from django.test import TestCase

from ..publishing.transactions import is_of_test_case

log = logging.getLogger("sockgate")


class CommitRunner:
    """Runs each callback once, at the moment that a test chooses.

    Only callbacks of the test's own transaction run. Those of an ``atomic`` block that is still
    open wait for its end, and those of one that was rolled back never run.
    """

    def __init__(self) -> None:
        self._seen: list[Any] = []

    def run(self) -> None:
        """Run the callbacks that have not run, and those that they register."""
        while waiting := self._waiting():
            for entry in waiting:
                self._seen.append(entry)
                _run(entry)

    def skip(self) -> None:
        """Count the callbacks so far as run."""
        self._seen.extend(self._waiting())

    def _waiting(self) -> list[Any]:
        return [
            entry
            for connection in connections.all(initialized_only=True)
            if connection.in_atomic_block and is_of_test_case(connection)
            for entry in connection.run_on_commit
            if not any(entry is seen for seen in self._seen)
        ]


@contextmanager
def commits_at_the_end() -> Iterator[None]:
    """Run the callbacks that the block registers, on every database, when it ends."""
    with ExitStack() as stack:
        for alias in connections:
            stack.enter_context(TestCase.captureOnCommitCallbacks(using=alias, execute=True))
        yield


def _run(entry: Any) -> None:
    _, callback, is_robust = entry
    if not is_robust:
        callback()
        return
    try:
        callback()
    except Exception:
        log.exception("A callback of on_commit failed")
