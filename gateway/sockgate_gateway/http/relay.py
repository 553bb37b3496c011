"""Relay requests between workers that share a port.

Strategy: over HTTP one browser sends many requests, and the kernel assigns each TCP connection to
any worker. The id of a SockJS session determines its owner, so every worker computes it and no load
balancer has to. A request for another worker's session is relayed over a Unix socket. Its head is
written first, then its body as it arrives; the response comes back the same way. Tornado still
reads the request here, so its limits of size and time hold, and the connection is pending until the
last byte of the request. A WebSocket is one connection and stays with the worker that accepted it.

The owner trusts the relaying worker's description of the client. So a relayed connection carries
only the one request whose head was written here, and is closed after the response.
"""

import re
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast
from zlib import crc32

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream, StreamClosedError

from ..loop.background import BackgroundTasks, retrieve_result
from ..loop.descriptors import browser_ceiling, open_unix_socket
from ..loop.streams import closing_stream, drop_traceback
from .interceptor import Interceptor, socket_peer
from .proxies import Client, ProxyPolicy
from .responses import RequestRefused
from .server_streams import linger_on_close, refuse

UNIX_PEER = "0.0.0.0"
"""Tornado's name for the peer on a Unix socket."""

_CHUNK_BYTES = 64 * 1024
_NOT_RELAYED = frozenset({"connection", "x-forwarded-for", "x-forwarded-proto", "x-real-ip"})
_OWNER_UNAVAILABLE = RequestRefused(
    503, "The worker of this session is not available.", ("Retry-After", "5")
)


@dataclass(frozen=True, slots=True)
class Siblings:
    """The workers of one node.

    Args:
        number: the number of this worker, from 0.
        count: how many workers share the port.
        directory: contains their Unix sockets.
    """

    number: int
    count: int
    directory: Path

    def owner_of(self, session_id: str) -> int:
        """Return the number of the worker that owns a SockJS session."""
        return crc32(session_id.encode()) % self.count

    def socket_of(self, number: int) -> Path:
        """Return the path of a worker's Unix socket."""
        return self.directory / f"{number}.sock"


class Relay(Interceptor):
    """Relay requests for the sessions of sibling workers; forward all others.

    Args:
        inner: serves the requests for this worker.
        siblings: the workers that share the port.
        prefix: the path of SockJS.
        proxies: the peers whose forwarded headers are trusted.
    """

    def __init__(
        self,
        inner: HTTPServerConnectionDelegate,
        siblings: Siblings,
        prefix: str,
        proxies: ProxyPolicy,
    ) -> None:
        super().__init__(inner)
        self._siblings = siblings
        self._proxies = proxies
        self._session_path = re.compile(re.escape(prefix) + r"/[^/.]+/([^/.]+)/(?!websocket)\w+")
        self._background = BackgroundTasks()
        self._ceiling = browser_ceiling()

    def intercept(
        self, connection: HTTP1Connection, start_line: RequestStartLine, headers: HTTPHeaders
    ) -> HTTPMessageDelegate | None:
        """Relay a request for a sibling's session."""
        owner = self.find_sibling(start_line.path)
        if owner is None:
            return None
        client = self._proxies.client_of(*socket_peer(connection), headers)
        head = relayed_head(start_line, headers, client)
        # The owner decides whether to answer ``Expect: 100-continue``.
        headers.pop("Expect", None)
        open_sibling = partial(self._open, self._siblings.socket_of(owner))
        return _RelayedRequest(connection, head, open_sibling, self._background.start)

    def find_sibling(self, path: str) -> int | None:
        """Return the sibling that owns the session; None when any worker or this one serves it."""
        found = self._session_path.match(path)
        if found is None:
            return None
        owner = self._siblings.owner_of(found[1])
        return None if owner == self._siblings.number else owner

    async def _open(self, path: Path) -> IOStream:
        sibling = IOStream(open_unix_socket(self._ceiling))
        try:
            await sibling.connect(str(path))
        except BaseException:
            sibling.close()
            drop_traceback(sibling)
            raise
        return sibling


class _RelayedRequest(HTTPMessageDelegate):
    """One request to its owner, and the response back to the client.

    Args:
        connection: the client's connection.
        head: the head of the request for the owner.
        open_sibling: connects to the owner; raises ``OSError`` on failure.
        start: starts a background task.
    """

    __slots__ = ("_connection", "_head", "_is_chunked", "_open", "_sibling", "_start", "_stream")

    def __init__(
        self,
        connection: HTTP1Connection,
        head: bytes,
        open_sibling: Callable[[], Awaitable[IOStream]],
        start: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._connection = connection
        self._stream = connection.stream
        self._head = head
        self._open = open_sibling
        self._start = start
        self._is_chunked = False
        self._sibling: IOStream | None = None

    async def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        """Send the head to the owner, and start to wait for the response."""
        self._is_chunked = "Transfer-Encoding" in headers
        self._connection.set_close_callback(self._disconnect)
        try:
            self._sibling = await self._open()
        except (OSError, StreamClosedError):
            refuse(
                self._connection,
                _OWNER_UNAVAILABLE.response(cast(RequestStartLine, start_line).method),
            )
            return
        if self._stream.closed():
            self._disconnect()
        else:
            self._sibling.write(self._head).add_done_callback(retrieve_result)
        self._start(self._relay_response(self._sibling))

    async def data_received(self, chunk: bytes) -> None:
        """Send a part of the body to the owner; discard it when the owner has closed."""
        framed = b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._is_chunked else chunk
        if self._sibling is not None:
            with suppress(StreamClosedError):
                await self._sibling.write(framed)

    def finish(self) -> None:
        """Send the end of the body to the owner."""
        if self._is_chunked and self._sibling is not None and not self._sibling.closed():
            self._sibling.write(b"0\r\n\r\n").add_done_callback(retrieve_result)

    def on_connection_close(self) -> None:
        """Disconnect from the owner, because the client has disconnected."""
        self._disconnect()

    def _disconnect(self) -> None:
        if self._sibling is not None:
            self._sibling.close()

    async def _relay_response(self, sibling: IOStream) -> None:
        with closing_stream(sibling):
            if not await _copy(sibling, self._stream):
                with suppress(StreamClosedError):
                    await self._stream.write(_OWNER_UNAVAILABLE.response())
        linger_on_close(self._stream)
        self._connection.close()


def relayed_head(start_line: RequestStartLine, headers: HTTPHeaders, client: Client) -> bytes:
    """Return the head of a request for its owner, with the client in the forwarded headers."""
    kept = [(name, text) for name, text in headers.get_all() if name.lower() not in _NOT_RELAYED]
    added = [
        ("Connection", "close"),
        ("X-Forwarded-For", client.address),
        ("X-Forwarded-Proto", client.scheme),
    ]
    first = f"{start_line.method} {start_line.path} {start_line.version}"
    lines = [first, *(f"{name}: {text}" for name, text in kept + added)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _copy(source: IOStream, sink: IOStream) -> int:
    """Copy until one of the two is closed; return the number of bytes copied."""
    copied = 0
    with suppress(StreamClosedError):
        while True:
            data = await source.read_bytes(_CHUNK_BYTES, partial=True)
            copied += len(data)
            await sink.write(data)
    return copied
