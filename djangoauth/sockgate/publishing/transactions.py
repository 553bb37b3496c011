"""Waiting for commits, on every database that has a transaction open.

Strategy: Django keeps the callbacks of each connection separately, and drops those of a transaction
or savepoint that is rolled back. An action that waits for several connections registers a callback
on each of them, and runs in the last one. When one of them rolls back, the action does not run.

``TestCase`` holds a transaction open on every database for the whole test. Such a transaction
counts only where no other is open, as it does for Django's own ``on_commit``.

An action that runs once for a transaction (``once_after_commit``) registers a callback at each
call, because Django may drop some of them: the first one that is left runs the action. No callback
is registered where an earlier one stays at least as long, so that a transaction with many calls
holds few of them.
"""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from django.db import DEFAULT_DB_ALIAS, connections, transaction

Action = Callable[[], object]
Later = Callable[[Action, list[str]], None]
"""Runs an action when the transactions on some databases have committed."""

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
    if of_the_site:
        return of_the_site
    aliases = [it.alias for it in found]
    return [DEFAULT_DB_ALIAS] if DEFAULT_DB_ALIAS in aliases else aliases[:1]


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


class _Once:
    """An action that runs once, for all callbacks that wait with it.

    ``_covered`` are the callbacks of each connection, as Django keeps them, and the savepoints that
    the last callback depends on.
    """

    def __init__(self) -> None:
        self.is_over = False
        self._covered: list[tuple[list[Any], set[Any]]] = []

    def is_covered(self, opened: list[Any]) -> bool:
        """Check that the last callback stays as long as one that is registered now."""
        # Django makes another list when it drops callbacks, and when it runs them.
        return bool(self._covered) and all(
            connection.run_on_commit is callbacks and savepoints <= set(connection.savepoint_ids)
            for connection, (callbacks, savepoints) in zip(opened, self._covered, strict=True)
        )

    def cover(self, opened: list[Any]) -> None:
        """Note a callback that was registered now with each connection."""
        self._covered = [(it.run_on_commit, set(it.savepoint_ids)) for it in opened]

    def run(self, act: Action) -> None:
        """Run the action, unless it ran before."""
        if not self.is_over:
            self.is_over, self._covered = True, []
            act()


_pending: "WeakKeyDictionary[Any, WeakValueDictionary[Hashable, _Once]]" = WeakKeyDictionary()
"""By connection and key. Their callbacks hold them, and they end with these."""


def once_after_commit(key: Hashable) -> Later:
    """Return a form of ``after_commit`` that runs the actions of one key once a transaction."""

    def later(act: Action, aliases: list[str]) -> None:
        opened = [connections[alias] for alias in aliases]
        found = _pending.setdefault(opened[0], WeakValueDictionary())
        once = found.get((key, *aliases))
        if once is None or once.is_over:
            once = found[(key, *aliases)] = _Once()
        if once.is_covered(opened):
            return
        after_commit(partial(once.run, act), aliases)
        # A test may run the callbacks of a part of its own transaction.
        if not any(map(_is_in_test_case, opened)):
            once.cover(opened)

    return later


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


def _is_in_test_case(connection: Any) -> bool:
    blocks = getattr(connection, "atomic_blocks", ())
    return any(getattr(block, "_from_testcase", False) for block in blocks)
