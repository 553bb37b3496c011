"""One time limit for a whole HTTP request, with its connection, its TLS handshake and its body.

The timeout of a socket begins again with each byte, so that a server which drips bytes could hold
a thread for ever; those of urllib3 and requests are no others. A timer shuts the TCP connection
down; it holds a copy of the socket, because TLS takes the first one over.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Lock, Timer
from typing import Any, Self
from urllib.request import HTTPHandler, HTTPSHandler


class Deadline:
    """Breaks off connections when the time of its block is over, and raises ``TimeoutError``.

    Args:
        timeout_s: for the whole block.
        sock: a connection that is open already.
    """

    def __init__(self, timeout_s: float, sock: socket.socket | None = None) -> None:
        self.is_over = False
        self._sockets: list[socket.socket] = []
        self._lock = Lock()
        self._timer = Timer(timeout_s, self._break_off)
        self._timer.daemon = True
        if sock is not None:
            self._watch(sock)

    def __enter__(self) -> Self:
        """Start the time."""
        self._timer.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Stop the time; when it was over, say so in place of what the connection's end caused."""
        self._timer.cancel()
        with self._lock:
            for sock in self._sockets:
                sock.close()
            self._sockets.clear()
        if self.is_over and (error is None or isinstance(error, (OSError, HTTPException))):
            raise TimeoutError("timed out") from error

    def open_socket(self, *args: Any, **options: Any) -> socket.socket:
        """Open a TCP connection, as ``socket.create_connection``.

        Raises:
            TimeoutError: the time is over.
        """
        sock = socket.create_connection(*args, **options)
        with self._lock:
            self._watch(sock)
            if not self.is_over:
                return sock
        sock.close()
        raise TimeoutError("timed out")

    def _watch(self, sock: socket.socket) -> None:
        with suppress(OSError):  # It is closed.
            self._sockets.append(socket.fromfd(sock.fileno(), sock.family, sock.type))

    def _break_off(self) -> None:
        with self._lock:
            self.is_over = True
            for sock in self._sockets:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


def _with_deadline(kind: type[HTTPConnection]) -> Callable[..., HTTPConnection]:
    def connection(*args: Any, deadline: Deadline, **options: Any) -> HTTPConnection:
        made = kind(*args, **options)
        made._create_connection = deadline.open_socket  # type: ignore[attr-defined]
        return made

    return connection


class DeadlineHTTP(HTTPHandler):
    """Opens ``http`` URLs of requests that have an attribute ``deadline``."""

    def http_open(self, req: Any) -> Any:
        """Open one."""
        return self.do_open(_with_deadline(HTTPConnection), req, deadline=req.deadline)


class DeadlineHTTPS(HTTPSHandler):
    """Opens ``https`` URLs of requests that have an attribute ``deadline``."""

    def https_open(self, req: Any) -> Any:
        """Open one."""
        return self.do_open(
            _with_deadline(HTTPSConnection),
            req,
            context=self._context,  # type: ignore[attr-defined]
            deadline=req.deadline,
        )
