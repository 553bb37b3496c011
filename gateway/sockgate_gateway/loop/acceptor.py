"""Accept connections within the limit of file descriptors.

Strategy: a listening socket stays readable while a connection waits. Without a free descriptor, an
accept would fail again in every turn of the loop. Instead the listening socket leaves the loop for
a moment, and the connections wait in the kernel's queue. The ceiling acts long before that. A
connection whose descriptor is at or above the ceiling replaces an older one, or is closed.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from math import inf
from typing import Any

log = logging.getLogger("sockgate")

BATCH = 64
"""Accepted in one turn of the loop, less those that wait; then other work has its turn."""

PAUSE_S = 0.25
LOG_INTERVAL_S = 1.0
REMEMBER_S = 5.0

OnAccepted = Callable[[socket.socket, Any], None]
"""Takes a connection and the address of its peer."""


class PauseLog:
    """Log pauses of accepting, at most once a second.

    Args:
        clock: returns monotonic seconds.

    ``pauses``: how many there were.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._logged_at = self._paused_at = -inf
        self._cause = ""
        self.pauses = 0

    @property
    def note(self) -> str:
        """Say why new clients wait, or have waited a moment ago; empty: they do not."""
        is_recent = self._clock() - self._paused_at < REMEMBER_S
        return f"new clients wait: {self._cause}; raise LimitNOFILE=" if is_recent else ""

    def report(self, cause: str) -> None:
        """Count a pause, and log it unless one was logged within the last second."""
        self.pauses += 1
        self._cause = cause
        self._paused_at = now = self._clock()
        if now - self._logged_at < LOG_INTERVAL_S:
            return
        self._logged_at = now
        log.warning(
            "event=accept_paused cause=%r pauses=%d hint='raise LimitNOFILE= or ulimit -n'",
            cause,
            self.pauses,
        )


class DescriptorLimit:
    """Keep the descriptors of one listening socket's connections below a ceiling.

    Args:
        ceiling: the lowest descriptor that a connection must not have.
        evict_oldest: closes another connection; returns whether there was one to close.
        pauses: logs pauses of accepting.
        count_waiting: returns how many connects have begun and are not finished.
        on_postponed: is called when connections may be left in the kernel's queue.
    """

    def __init__(
        self,
        ceiling: int,
        evict_oldest: Callable[[], bool],
        pauses: PauseLog,
        count_waiting: Callable[[], int] = int,
        on_postponed: Callable[[], object] = int,
    ) -> None:
        self.ceiling = ceiling
        self.pauses = pauses
        self._evict_oldest = evict_oldest
        self._count_waiting = count_waiting
        self.on_postponed = on_postponed

    def at_once(self) -> int:
        """Return how many connections may be accepted in one turn: at least one.

        Each costs more than to finish one that waits. In the kernel's queue, it costs nothing.
        """
        return max(BATCH - self._count_waiting(), 1)

    def move_below(self, connection: socket.socket) -> socket.socket | None:
        """Move a connection to a descriptor below the ceiling, or close it and return None."""
        with connection:
            moved = _duplicate(connection) if self._evict_oldest() else None
        if moved is not None and moved.fileno() >= self.ceiling:
            moved.close()
            return None
        return moved


class Acceptor:
    """Accept the connections of one listening socket. Build it inside the running loop.

    Args:
        listening: bound, listening and non-blocking.
        on_accepted: takes each connection.
        limit: the descriptors that the connections may have.
    """

    def __init__(
        self, listening: socket.socket, on_accepted: OnAccepted, limit: DescriptorLimit
    ) -> None:
        self._listening = listening
        self._on_accepted = on_accepted
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._pause_timer: asyncio.TimerHandle | None = None
        self._is_accepting = False
        self._resume()

    def stop(self) -> None:
        """Stop accepting; do this before the listening socket is closed."""
        self._leave_loop()
        if self._pause_timer is not None:
            self._pause_timer.cancel()

    def _resume(self) -> None:
        self._is_accepting = True
        self._loop.add_reader(self._listening.fileno(), self._accept_batch)

    def _leave_loop(self) -> None:
        self._is_accepting = False
        self._loop.remove_reader(self._listening.fileno())

    def _accept_batch(self) -> None:
        for _ in range(self._limit.at_once()):
            if not self._is_accepting:
                return
            try:
                connection, address = self._listening.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:  # EMFILE, ENFILE, ENOBUFS, ENOMEM; see accept(2)
                self._pause(error.strerror or str(error))
                return
            self._take(connection, address)
        self._limit.on_postponed()

    def _take(self, connection: socket.socket, address: Any) -> None:
        if connection.fileno() < self._limit.ceiling:
            self._on_accepted(connection, address)
            return
        moved = self._limit.move_below(connection)
        if moved is None:
            self._pause("no file descriptor is left for browsers")
        else:
            self._on_accepted(moved, address)

    def _pause(self, cause: str) -> None:
        self._leave_loop()
        self._pause_timer = self._loop.call_later(PAUSE_S, self._resume)
        self._limit.pauses.report(cause)


def _duplicate(connection: socket.socket) -> socket.socket | None:
    """Duplicate a socket; the kernel assigns the lowest free descriptor."""
    try:
        return connection.dup()
    except OSError:
        return None
