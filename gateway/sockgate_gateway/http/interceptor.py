"""Decide on a request by its headers, before its usual delegate receives it.

Tornado's ``HTTP1Connection.detach()`` gives up a socket, but only while nothing but the headers was
read. An ``Interceptor`` decides at that moment: it takes the request over, or forwards it.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from .request_head import has_body


def socket_peer(connection: HTTP1Connection) -> tuple[str, str]:
    """Return the address on the socket, and the scheme that the peer speaks.

    ``remote_ip`` and ``protocol`` of Tornado's context cannot be used for this. A proxy's headers
    change them for one request, and the next request may be another browser's.
    """
    context: Any = connection.context
    return context._orig_remote_ip, context._orig_protocol


class ForwardedRequest(HTTPMessageDelegate):
    """Forward one request to another delegate.

    Args:
        inner: receives the request; None discards it, and a subclass may set it later.
    """

    __slots__ = ("_inner",)

    def __init__(self, inner: HTTPMessageDelegate | None = None) -> None:
        self._inner = inner

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Forward the head."""
        return self._inner.headers_received(start_line, headers) if self._inner else None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Forward a part of the body."""
        return self._inner.data_received(chunk) if self._inner else None

    def finish(self) -> None:
        """Forward the end of the request."""
        if self._inner:
            self._inner.finish()

    def on_connection_close(self) -> None:
        """Forward that the client disconnected."""
        if self._inner:
            self._inner.on_connection_close()


class DeferredHeads(HTTPServerConnectionDelegate):
    """Forward the head of a request without a body only when the request is complete.

    Tornado closes the connection when a handler answers an incomplete request. A handler may do
    that only to avoid reading a body, so the head of a request with a body is forwarded at once.

    Args:
        inner: serves requests.
    """

    def __init__(self, inner: HTTPServerConnectionDelegate) -> None:
        self._inner = inner

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Start to read a request."""
        return _DeferredHead(self._inner.start_request(server_conn, request_conn))

    def on_close(self, server_conn: object) -> None:
        """Forward that a connection was closed."""
        self._inner.on_close(server_conn)


class _DeferredHead(ForwardedRequest):
    __slots__ = ("_head",)

    def __init__(self, inner: HTTPMessageDelegate) -> None:
        super().__init__(inner)
        self._head: tuple[RequestStartLine | ResponseStartLine, HTTPHeaders] | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Forward the head of a request with a body; keep any other."""
        if has_body(headers):
            return super().headers_received(start_line, headers)
        self._head = start_line, headers
        return None

    def finish(self) -> None:
        """Forward the kept head, and the end of the request."""
        if self._head is not None:
            super().headers_received(*self._head)
            self._head = None
        super().finish()

    def on_connection_close(self) -> None:
        """Forward that the client disconnected, if the head was forwarded."""
        if self._head is None:
            super().on_connection_close()


class Interceptor(HTTPServerConnectionDelegate, ABC):
    """Examine the head of every request, and forward those that ``intercept`` does not take.

    Args:
        inner: serves the forwarded requests.
    """

    def __init__(self, inner: HTTPServerConnectionDelegate) -> None:
        self._inner = inner

    @abstractmethod
    def intercept(
        self, connection: HTTP1Connection, start_line: RequestStartLine, headers: HTTPHeaders
    ) -> HTTPMessageDelegate | None:
        """Return the delegate that takes the request; None forwards it."""

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Start to read a request."""
        connection = cast(HTTP1Connection, request_conn)
        return _InterceptedRequest(
            lambda start_line, headers: self.intercept(connection, start_line, headers),
            lambda: self._inner.start_request(server_conn, request_conn),
        )

    def on_close(self, server_conn: object) -> None:
        """Forward that a connection was closed."""
        self._inner.on_close(server_conn)


class _InterceptedRequest(ForwardedRequest):
    __slots__ = ("_intercept", "_start_inner")

    def __init__(
        self,
        intercept: Callable[[RequestStartLine, HTTPHeaders], HTTPMessageDelegate | None],
        start_inner: Callable[[], HTTPMessageDelegate],
    ) -> None:
        super().__init__()
        self._intercept = intercept
        self._start_inner = start_inner

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Choose the delegate by the head."""
        intercepted = self._intercept(cast(RequestStartLine, start_line), headers)
        self._inner = self._start_inner() if intercepted is None else intercepted
        return super().headers_received(start_line, headers)
