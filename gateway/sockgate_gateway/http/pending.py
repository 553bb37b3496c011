"""Connections without a complete request or with an unread response, and their limits.

Strategy: a TCP connection costs memory before any other limit applies, and its request may take
long to arrive (slowloris). A browser sends its request within a moment. So when the limit is
reached, the oldest pending connection is closed and the newest is accepted. A client that does not
read its response is pending, too. A kept-alive connection is pending between two requests; closing
it then does no harm. The connections of a trusted proxy share an address, so only the total limits
them.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from ..connections.sources import source_of
from ..connections.waiting_list import WaitingList
from .interceptor import ForwardedRequest, socket_peer
from .proxies import ProxyPolicy
from .request_head import check_head
from .responses import RequestRefused
from .server_streams import refuse

MAX_BODIES_BYTES = 32 * 1024 * 1024
"""Room for 128 unfinished bodies of the largest size that the default settings allow."""


class Evictions:
    """How many connections were closed to make room for a newer one."""

    def __init__(self) -> None:
        self.count = 0


class PendingConnections:
    """The pending connections of one listening socket, oldest first.

    Args:
        proxies: only ``total`` limits the connections of these peers.
        total: how many there may be.
        per_address: how many of one IPv4 address or one IPv6 /64 there may be.
        evictions: counts those that are closed.
        max_total_body_bytes: how large all unfinished bodies together may be.
    """

    def __init__(
        self,
        proxies: ProxyPolicy,
        *,
        total: int,
        per_address: int,
        evictions: Evictions | None = None,
        max_total_body_bytes: int = MAX_BODIES_BYTES,
    ) -> None:
        self._total = total
        self._per_address = per_address
        self._proxies = proxies
        self._evictions = evictions or Evictions()
        self._waiting = WaitingList[object]()
        self._closers: dict[object, Callable[[], object]] = {}
        self._max_total_body_bytes = max_total_body_bytes
        self._body_bytes: dict[object, int] = {}
        self._all_body_bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, connection: object, address: str, close: Callable[[], object]) -> None:
        """Add the newest connection, or renew its age; close older ones above the limits.

        Args:
            connection: identifies the connection.
            address: the IP address on the socket.
            close: closes the connection.
        """
        self.remove(connection)
        source = source_of(address)
        is_full = self._waiting.count(source) >= self._per_address
        if is_full and not self._proxies.is_trusted(address):
            self._evict(self._waiting.oldest_of(source))
        if len(self._waiting) >= self._total:
            self.evict_oldest()
        self._waiting.enter(connection, source)
        self._closers[connection] = close

    def evict_oldest(self) -> bool:
        """Close the oldest connection of the fullest source; return whether there was one."""
        oldest = self._waiting.oldest_of_fullest()
        if oldest is not None:
            self._evict(oldest)
        return oldest is not None

    def add_body(self, connection: object, size_bytes: int) -> None:
        """Count a part of a body; close connections while all bodies together are too large."""
        if connection not in self._closers:
            return
        self._body_bytes[connection] = self._body_bytes.get(connection, 0) + size_bytes
        self._all_body_bytes += size_bytes
        while self._all_body_bytes > self._max_total_body_bytes:
            self._evict(self._oldest_of_largest_source())

    def remove(self, connection: object) -> None:
        """Stop counting a connection, if it is pending."""
        self._waiting.leave(connection)
        self._closers.pop(connection, None)
        self._all_body_bytes -= self._body_bytes.pop(connection, 0)

    def _oldest_of_largest_source(self) -> object:
        """Return the oldest connection with a body of the source with the most body bytes."""
        sent: Counter[str] = Counter()
        for connection, size_bytes in self._body_bytes.items():
            sent[self._waiting.source_of(connection)] += size_bytes
        ((source, _),) = sent.most_common(1)
        return next(c for c in self._closers if self._has_body_from(c, source))

    def _has_body_from(self, connection: object, source: str) -> bool:
        return connection in self._body_bytes and self._waiting.source_of(connection) == source

    def _evict(self, connection: object) -> None:
        close = self._closers[connection]
        self.remove(connection)
        self._evictions.count += 1
        close()


class PendingRequests(HTTPServerConnectionDelegate):
    """Check the head of every request, and count its connection until the request is complete.

    Args:
        inner: serves requests.
        pending: counts connections without a complete request.
        call_soon: calls back after the handlers that answer at once have answered.
        max_body_bytes: how large a body may be.
    """

    def __init__(
        self,
        inner: HTTPServerConnectionDelegate,
        pending: PendingConnections,
        call_soon: Callable[[Callable[[], None]], object],
        max_body_bytes: int,
    ) -> None:
        self._inner = inner
        self.pending = pending
        self._call_soon = call_soon
        self.max_body_bytes = max_body_bytes

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Count a connection until its next request is complete."""
        connection = cast(HTTP1Connection, request_conn)
        inner = self._inner.start_request(server_conn, request_conn)
        request = _PendingRequest(self, server_conn, connection, inner)
        if not connection.stream.closed():  # Tornado expects one more request after the last.
            self.pending.add(server_conn, socket_peer(connection)[0], request.close)
        return request

    def on_close(self, server_conn: object) -> None:
        """Stop counting a closed connection."""
        self.pending.remove(server_conn)
        self._inner.on_close(server_conn)

    def on_complete(self, server_conn: object, connection: HTTP1Connection) -> None:
        """Stop counting a connection, unless its client does not read the response."""
        stream = connection.stream

        def remove_unless_writing() -> None:
            if not stream.writing():
                self.pending.remove(server_conn)

        self._call_soon(remove_unless_writing)


class _PendingRequest(ForwardedRequest):
    __slots__ = ("_connection", "_requests", "_server_conn", "_stream")

    def __init__(
        self,
        requests: PendingRequests,
        server_conn: object,
        connection: HTTP1Connection,
        inner: HTTPMessageDelegate,
    ) -> None:
        super().__init__(inner)
        self._requests = requests
        self._server_conn = server_conn
        self._connection = connection
        self._stream = connection.stream

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Forward a valid head; refuse any other."""
        request_line = cast(RequestStartLine, start_line)
        try:
            request_line = check_head(request_line, headers, self._requests.max_body_bytes)
        except RequestRefused as refused:
            refuse(self._connection, refused.response(request_line.method))
            return None
        return super().headers_received(request_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Count and forward a part of the body."""
        self._requests.pending.add_body(self._server_conn, len(chunk))
        return super().data_received(chunk)

    def finish(self) -> None:
        """Forward the end of the request, and stop counting its connection."""
        super().finish()
        self._inner = None
        self._requests.on_complete(self._server_conn, self._connection)

    def close(self) -> None:
        """Close the connection, and let the handler free an unfinished body at once.

        Tornado notifies the handler in the next turn of the loop. In one turn as many bodies may
        arrive as there are connections, and all of those that were closed would still take memory.
        """
        self._stream.close()
        self.on_connection_close()
        self._inner = None
