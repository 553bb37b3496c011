"""Close a connection whose client may still be sending.

Strategy: the sending side is closed at once. The socket is closed when the client closes, or after
``LINGER_S``. Bytes that arrive meanwhile are discarded. A lingering connection counts as one
without a complete request, so it can be closed earlier to free a place.
"""

import asyncio
import socket

from .pending import PendingConnections

LINGER_S = 2.0
"""How long a client may still send after a refusal."""

_discarded = bytearray(64 * 1024)


class LingeringClose:
    """Close sockets without a reset.

    Args:
        pending: counts the lingering connections.
        loop: the running loop.
    """

    def __init__(self, pending: PendingConnections, loop: asyncio.AbstractEventLoop) -> None:
        self._pending = pending
        self._loop = loop
        self._timers: dict[socket.socket, asyncio.TimerHandle] = {}

    def start(self, sock: socket.socket, address: str) -> None:
        """Take over a socket: close its sending side, and discard the bytes that still arrive.

        Raises:
            OSError: the client has disconnected; the socket is closed.
        """
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            sock.close()
            raise
        self._timers[sock] = self._loop.call_later(LINGER_S, self._end, sock)
        self._loop.add_reader(sock, self._discard, sock)
        self._pending.add(sock, address, lambda: self._end(sock))

    def end_all(self) -> None:
        """Close every socket now."""
        for sock in list(self._timers):
            self._end(sock)

    def _discard(self, sock: socket.socket) -> None:
        try:
            received = sock.recv_into(_discarded)
        except BlockingIOError:
            return
        except OSError:
            received = 0
        if not received:
            self._end(sock)

    def _end(self, sock: socket.socket) -> None:
        timer = self._timers.pop(sock, None)
        if timer is not None:
            timer.cancel()
            self._loop.remove_reader(sock)
            self._pending.remove(sock)
            sock.close()
