"""Which of many sockets can be read: one epoll of our own, within the loop's.

Strategy: for each reader the event loop keeps a handle, a context and a selector key, and runs it
through all of them. A WebSocket is read from its first byte to its last by one callback, so here
it costs an entry in a dict; the loop itself watches a single descriptor, the epoll's.
"""

import asyncio
import logging
import select
from collections.abc import Callable

log = logging.getLogger("gateway")

MAX_EVENTS = 512
"""So many sockets at a time; then it is the turn of whatever else the loop has to do."""


class Poll:
    """Call back whenever a socket can be read: by the loop's own means, on any system.

    Args:
        loop: the running loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    def add(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Call back for a socket, which others may have been called for until now."""
        self.loop.add_reader(fd, on_readable)

    def remove(self, fd: int) -> None:
        """Call back no more; do this before the socket is closed."""
        self.loop.remove_reader(fd)


class Epoll(Poll):
    """The same by an epoll of our own, where the system has that."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._epoll = select.epoll()
        self._readers: dict[int, Callable[[], None]] = {}
        loop.add_reader(self._epoll.fileno(), self._turn)

    def add(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Call back for a socket, which others may have been called for until now."""
        if fd not in self._readers:
            self._epoll.register(fd, select.EPOLLIN)
        self._readers[fd] = on_readable

    def remove(self, fd: int) -> None:
        """Call back no more; do this before the socket is closed."""
        if self._readers.pop(fd, None):
            self._epoll.unregister(fd)

    def _turn(self) -> None:
        for fd, _ in self._epoll.poll(0, MAX_EVENTS):
            on_readable = self._readers.get(fd)
            if on_readable is not None:  # else it was removed in this very turn
                self._call(on_readable)

    def _call(self, on_readable: Callable[[], None]) -> None:
        try:
            on_readable()
        except Exception:
            log.exception("event=reader_failed")


def open_poll(loop: asyncio.AbstractEventLoop) -> Poll:
    """Open the cheapest that this system has."""
    return Epoll(loop) if hasattr(select, "epoll") else Poll(loop)
