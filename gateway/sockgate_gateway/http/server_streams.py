"""Streams of accepted connections, with whole responses to errors and a lingering close.

Strategy: when a socket is closed with unread bytes, the kernel sends a reset. A reset can destroy a
response that the client has not read yet (RFC 9112 section 9.6). So after a refusal only the
sending side is closed, and bytes that still arrive are discarded for a moment (``lingering.py``).
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.iostream import IOStream, SSLIOStream, UnsatisfiableReadError

from ..loop.streams import drop_traceback
from .header_limits import MAX_HEADER_LINES, has_too_many_lines
from .responses import RequestRefused

_BARE_REFUSAL = b"HTTP/1.1 400 Bad Request\r\n\r\n"
"""Tornado's whole response to a request that it cannot read."""


class _Unwanted(UnsatisfiableReadError):
    """What has arrived is refused before Tornado parses it.

    Args:
        refusal: the response.
    """

    def __init__(self, refusal: RequestRefused) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


CHUNK_BYTES = 1024
"""A body of the largest size may come in chunks of this size. One costs 10 µs, as much as 1 KB."""

_MORE_CHUNKS = 64
"""For bodies that are smaller, and written in small pieces."""

Linger = Callable[[socket.socket], object]
"""Takes over a socket and lingers; raises ``OSError`` when the client has disconnected."""


class ServerStream(IOStream):
    """A stream of an accepted connection.

    Args:
        sock: connected and non-blocking.
        linger: takes over the socket of a connection whose client may still be sending.
        max_chunks: how many chunks a body may have.
        is_relayed: another worker has checked the requests, and added headers and chunks.
        options: those of Tornado's ``IOStream``.
    """

    def __init__(
        self,
        sock: socket.socket,
        linger: Linger,
        *,
        max_chunks: int,
        is_relayed: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(sock, **options)
        self._linger = linger
        self._max_chunks = max_chunks
        self._is_relayed = is_relayed
        self._chunks = 0
        self._lingers = False
        self._reads_head = True

    def read_until_regex(self, regex: bytes, max_bytes: int | None = None) -> Any:
        """Read the head of a request."""
        self._reads_head = True
        self._chunks = 0
        return super().read_until_regex(regex, max_bytes)

    def read_until(self, delimiter: bytes, max_bytes: int | None = None) -> Any:
        """Read the length of a chunk."""
        self._reads_head = False
        self._chunks += 1
        return super().read_until(delimiter, max_bytes)

    def write(self, data: bytes | memoryview) -> Any:
        """Write data, or a whole response in place of Tornado's bare status line."""
        if data == _BARE_REFUSAL:
            self._lingers = True
            data = RequestRefused(400, "The request cannot be read.").response()
        return super().write(data)

    def _check_max_bytes(self, delimiter: Any, size: int) -> None:
        """Check what has arrived of a head, or of the length of a chunk."""
        super()._check_max_bytes(delimiter, size)
        if self._is_relayed:
            return
        if self._reads_head and has_too_many_lines(self._count_lines(size)):
            raise _Unwanted(RequestRefused(431, f"There may be {MAX_HEADER_LINES} header lines."))
        if self._chunks > self._max_chunks:
            raise _Unwanted(RequestRefused(413, f"A body may have {self._max_chunks} chunks."))

    def _count_lines(self, size: int) -> int:
        """Count the lines of a head, without an empty line before it (RFC 9112 section 2.2)."""
        is_first_empty = self._read_buffer.startswith((b"\r\n", b"\n"))
        return self._read_buffer.count(b"\n", 0, size) - is_first_empty

    def linger_on_close(self) -> None:
        """Linger when this is closed, because the client may still be sending."""
        self._lingers = True

    def close(self, exc_info: Any = False) -> None:
        """Close; first respond to what is too large, which Tornado does not do."""
        if not self.closed():
            if isinstance(exc_info, UnsatisfiableReadError):
                self._respond(_refusal_of(exc_info) or self._too_large())
            if self._lingers:
                self._pass_socket_to_linger()
        super().close(exc_info)

    def _respond(self, refusal: RequestRefused) -> None:
        self._lingers = True
        with suppress(OSError):
            self.write_to_fd(memoryview(refusal.response()))

    def _too_large(self) -> RequestRefused:
        if not self._reads_head:
            return RequestRefused(400, "The length of a chunk is too long.")
        if b"\n" not in bytes(self._read_buffer).lstrip(b"\r\n"):
            return RequestRefused(414, "The request line is too long.")
        return RequestRefused(431, "The headers are too large.")

    def _pass_socket_to_linger(self) -> None:
        with suppress(OSError):
            sock = socket.socket(fileno=os.dup(self.socket.fileno()))
            sock.setblocking(False)
            self._linger(sock)


def max_chunks(max_body_bytes: int) -> int:
    """Return how many chunks a body may have, by the size that it may have."""
    return _MORE_CHUNKS + max_body_bytes // CHUNK_BYTES


class SecureServerStream(ServerStream, SSLIOStream):
    """A stream of an accepted connection, over TLS."""


def _refusal_of(error: UnsatisfiableReadError) -> RequestRefused | None:
    return error.refusal if isinstance(error, _Unwanted) else None


def refuse(connection: HTTP1Connection, response: bytes) -> None:
    """Respond to a request of which only the head was read, and close its connection."""
    stream = connection.detach()

    def close(_: object) -> None:
        stream.close()
        drop_traceback(stream)

    if not stream.closed():
        linger_on_close(stream)
        stream.write(response).add_done_callback(close)


def linger_on_close(stream: IOStream) -> None:
    """Linger when the stream is closed, because its client may still be sending."""
    if isinstance(stream, ServerStream):
        stream.linger_on_close()
