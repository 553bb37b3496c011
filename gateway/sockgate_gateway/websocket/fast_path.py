"""Accept a WebSocket without Tornado when its handshake is plain.

Strategy: a browser's handshake arrives whole, in one packet, a moment after the connection. It is
peeked at and stays in the socket. If the WebSocket is not accepted here, for whatever reason,
Tornado reads the socket from the beginning and serves, waits for or refuses the request. The same
``WebSocketAcceptor`` decides on both paths. Other plain requests that need no handler are answered
here, too; then the connection waits for its next request. A connection without any data is
pending, as on Tornado's path, and is handed to Tornado after ``SILENCE_S``.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..http.pending import PendingConnections
from ..http.plain_request import Request, read_plain_request
from ..http.proxies import Client
from ..http.responses import Answer, RequestRefused
from .accept import WebSocketAcceptor
from .stream import SocketStream

PEEK_BYTES = 4096
SILENCE_S = 1.0
"""After this time without data, Tornado waits for the request and enforces its timeout."""

_LEFT = frozenset({7, 8})
"""``TCP_CLOSE`` and ``TCP_CLOSE_WAIT``, the first field of Linux's ``struct tcp_info``."""

AnswerEarly = Callable[[Request, Client], Answer | None]
"""Returns the answer to a plain request; None: Tornado's application gives it."""

OpenTornadoStream = Callable[[socket.socket, Any], None]
"""Takes a socket and the address of its peer, and serves it with Tornado."""


class FastPath:
    """Accept WebSockets with a plain handshake; hand all other connections to Tornado.

    Args:
        acceptor: accepts or refuses WebSockets.
        pending: counts connections without any data.
        answer_early: answers other plain requests.
    """

    def __init__(
        self, acceptor: WebSocketAcceptor, pending: PendingConnections, answer_early: AnswerEarly
    ) -> None:
        self._acceptor = acceptor
        self._pending = pending
        self._answer_early = answer_early
        self._poller = acceptor.context.poller
        self._wheel = acceptor.context.wheel
        self._silent_since: dict[_PendingSocket, float] = {}

    def accept(self, sock: socket.socket, address: Any, open_stream: OpenTornadoStream) -> None:
        """Take a new connection of plain TCP with ``TCP_NODELAY``."""
        sock.setblocking(False)
        if self._acceptor.context.lifecycle.is_busy and has_left(sock):
            sock.close()
            return
        connection = _PendingSocket(self, sock, address, open_stream)
        data = _peek(sock)
        if data is None:
            self._wait(connection)
        else:
            self._serve(connection, data)

    def on_timer(self, now: float) -> None:
        """Hand connections that were silent for ``SILENCE_S`` to Tornado.

        A late worker has not read what has arrived meanwhile, and Tornado's path costs four times
        as much.
        """
        for connection, since in list(self._silent_since.items()):
            if now - since < SILENCE_S:
                self._wheel.schedule(self, SILENCE_S)
                return
            self.on_readable(connection)
            if connection in self._silent_since:
                self._hand_to_tornado(connection)

    def hand_all_to_tornado(self) -> None:
        """Hand every silent connection to Tornado."""
        for connection in list(self._silent_since):
            self._hand_to_tornado(connection)

    def on_readable(self, connection: "_PendingSocket") -> None:
        """Serve a connection when its first data arrives."""
        data = _peek(connection.sock)
        if data is not None:
            self._pending.remove(connection)
            del self._silent_since[connection]
            self._serve(connection, data)

    def close(self, connection: "_PendingSocket") -> None:
        """Close a connection without any data."""
        self._forget(connection)
        connection.sock.close()

    def _wait(self, connection: "_PendingSocket") -> None:
        self._pending.add(connection, connection.address[0], connection.close)
        self._poller.add(connection.sock.fileno(), connection.on_readable)
        if not self._silent_since:
            self._wheel.schedule(self, SILENCE_S)
        self._silent_since[connection] = self._wheel.clock()

    def _serve(self, connection: "_PendingSocket", data: bytes) -> None:
        request = read_plain_request(data)
        if not data:
            self.close(connection)
        elif request is None or not self._serve_plain(connection, request, len(data)):
            self._hand_to_tornado(connection)

    def _hand_to_tornado(self, connection: "_PendingSocket") -> None:
        self._forget(connection)
        connection.open_stream(connection.sock, connection.address)

    def _forget(self, connection: "_PendingSocket") -> None:
        self._pending.remove(connection)
        self._silent_since.pop(connection, None)
        self._poller.remove(connection.sock.fileno())

    def _serve_plain(self, connection: "_PendingSocket", request: Request, size_bytes: int) -> bool:
        """Accept a WebSocket, or answer early; return whether one of them was done."""
        acceptor = self._acceptor
        framing = acceptor.framing_for(request)
        client = acceptor.proxies.client_of(connection.address[0], "http", request.headers)
        if framing is None:
            return self._answer(connection, self._answer_early(request, client), size_bytes)
        try:
            websocket, response = acceptor.accept(request, framing, client)
        except RequestRefused:
            return False
        sock, limit_bytes = connection.sock, acceptor.context.max_outbox_bytes
        with suppress(OSError):  # The stream will notice.
            sock.recv(size_bytes)
        websocket.attach(SocketStream(sock, websocket, self._poller, limit_bytes), response)
        return True

    def _answer(self, connection: "_PendingSocket", answer: Answer | None, size_bytes: int) -> bool:
        if answer is None:
            return False
        sock, sent_bytes = connection.sock, 0
        with suppress(OSError):
            sock.recv(size_bytes)
            sent_bytes = sock.send(answer.response)
        if answer.is_last or sent_bytes < len(answer.response):
            self.close(connection)
        else:
            self._wait(connection)
        return True


class _PendingSocket:
    """A silent connection, with the function that hands it to Tornado."""

    __slots__ = ("_fast_path", "address", "open_stream", "sock")

    def __init__(
        self, fast_path: FastPath, sock: socket.socket, address: Any, open_stream: OpenTornadoStream
    ) -> None:
        self._fast_path = fast_path
        self.sock = sock
        self.address = address
        self.open_stream = open_stream

    def on_readable(self) -> None:
        self._fast_path.on_readable(self)

    def close(self) -> None:
        self._fast_path.close(self)


def has_left(sock: socket.socket) -> bool:
    """Return whether the client has closed its side, while the connection waited to be accepted.

    A busy worker accepts late. A client that has given up would only cost its handshake.
    """
    if not hasattr(socket, "TCP_INFO"):
        return False
    with suppress(OSError):
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in _LEFT
    return True


def _peek(sock: socket.socket) -> bytes | None:
    """Return the data that has arrived; None without any, empty when the client disconnected."""
    try:
        return sock.recv(PEEK_BYTES, socket.MSG_PEEK)
    except BlockingIOError:
        return None
    except OSError:
        return b""
