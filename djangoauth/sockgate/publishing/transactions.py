"""Waiting for commits, on every database that has a transaction open.

Strategy: Django keeps the callbacks of each connection separately, and drops those of a transaction
or savepoint that is rolled back. An action that waits for several connections registers a callback
on each of them, and runs in the last one. When one of them rolls back, the action does not run.

``TestCase`` holds a transaction open on every database for the whole test. Such a transaction
counts only where no other is open, as it does for Django's own ``on_commit``.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, transaction

Action = Callable[[], object]
_View = TypeVar("_View", bound=Callable[..., Any])


def open_aliases(using: str | None = None) -> list[str]:
    """List the databases with an open transaction.

    Args:
        using: a database alias; None: every connection of this thread.

    Raises:
        django.db.utils.ConnectionDoesNotExist: ``using`` is not in ``DATABASES``.
    """
    if using is not None:
        return [using] if connections[using].in_atomic_block else []
    found = [it for it in connections.all(initialized_only=True) if it.in_atomic_block]
    of_the_site = [it.alias for it in found if not is_of_test_case(it)]
    return of_the_site or _of_test_case([it.alias for it in found])


def after_commit(act: Action, aliases: list[str]) -> None:
    """Run an action once, when all of these transactions have committed; never if one rolls back.

    Django logs a failure, and runs the other callbacks of the commit.
    """
    waiting = set(aliases)

    def note_commit(alias: str) -> None:
        if alias in waiting:
            waiting.remove(alias)
            if not waiting:
                act()

    for alias in aliases:
        _on_commit_of(alias, note_commit)


def at_each_commit(act: Action, using: str | None = None) -> None:
    """Run an action at the commit of each open transaction; a failure is raised there."""
    for alias in open_aliases(using):
        transaction.on_commit(act, using=alias)


def never_atomic(view: _View) -> _View:
    """Keep a view out of ``ATOMIC_REQUESTS``, on every database."""
    for alias in connections:
        view = transaction.non_atomic_requests(alias)(view)
    return view


def _on_commit_of(alias: str, note_commit: Callable[[str], None]) -> None:
    def publish_after_commit() -> None:  # Django logs this name when it fails.
        note_commit(alias)

    transaction.on_commit(publish_after_commit, using=alias, robust=True)


def is_of_test_case(connection: Any) -> bool:
    """Check that only a ``TestCase`` has a transaction open on a connection."""
    # Django marks these blocks, so that ``atomic(durable=True)`` works inside them.
    blocks = getattr(connection, "atomic_blocks", ())
    return bool(blocks) and all(getattr(block, "_from_testcase", False) for block in blocks)


def _of_test_case(aliases: list[str]) -> list[str]:
    return [DEFAULT_DB_ALIAS] if DEFAULT_DB_ALIAS in aliases else aliases[:1]
