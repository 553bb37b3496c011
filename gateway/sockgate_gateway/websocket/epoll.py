"""Which of many sockets are readable: one epoll of our own inside the loop's.

Strategy: for each reader the event loop keeps a handle, a context and a selector key, and runs it
through all of them. One callback reads a WebSocket from its first byte to its last, so here a
reader costs one entry in a dict. The loop itself watches one descriptor, the epoll's.
"""

import asyncio
import logging
import select
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger("sockgate")

MAX_EVENTS = 64
"""Sockets read in one turn of the loop; then other work has its turn."""


class Poller(Protocol):
    """Calls back whenever a socket is readable."""

    loop: asyncio.AbstractEventLoop

    def add(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Call back for a socket; this replaces an earlier callback."""

    def remove(self, fd: int) -> None:
        """Stop calling back; do this before the socket is closed."""


class LoopPoller:
    """The event loop's own readers, for systems without epoll.

    Args:
        loop: the running loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    def add(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Call back for a socket; this replaces an earlier callback."""
        self.loop.add_reader(fd, on_readable)

    def remove(self, fd: int) -> None:
        """Stop calling back; do this before the socket is closed."""
        self.loop.remove_reader(fd)


class EpollPoller:
    """An epoll of our own, which the loop watches as one descriptor.

    Args:
        loop: the running loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._epoll = select.epoll()
        self._readers: dict[int, Callable[[], None]] = {}
        loop.add_reader(self._epoll.fileno(), self._read_ready)

    def add(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Call back for a socket; this replaces an earlier callback."""
        if fd not in self._readers:
            self._epoll.register(fd, select.EPOLLIN)
        self._readers[fd] = on_readable

    def remove(self, fd: int) -> None:
        """Stop calling back; do this before the socket is closed."""
        if self._readers.pop(fd, None):
            self._epoll.unregister(fd)

    def _read_ready(self) -> None:
        for fd, _ in self._epoll.poll(0, MAX_EVENTS):
            on_readable = self._readers.get(fd)
            if on_readable is not None:  # Else it was removed in this very turn.
                self._call(on_readable)

    def _call(self, on_readable: Callable[[], None]) -> None:
        try:
            on_readable()
        except Exception:
            log.exception("event=reader_failed")


def open_poller(loop: asyncio.AbstractEventLoop) -> Poller:
    """Open an epoll, or use the loop's readers where the system has no epoll."""
    return EpollPoller(loop) if hasattr(select, "epoll") else LoopPoller(loop)
