"""Meeting a request by its headers, before it goes on to where it would have gone.

Tornado's ``HTTP1Connection.detach()`` gives a socket away, but only while the headers are all
that was read. Whoever decides then, and otherwise lets the request pass, is a detour.
"""

from abc import ABC, abstractmethod
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


class Detour(HTTPServerConnectionDelegate, ABC):
    """Look at every request; let those pass that ``takes`` does not want.

    Args:
        onward: serves what passes.
    """

    def __init__(self, onward: HTTPServerConnectionDelegate) -> None:
        self._onward = onward

    @abstractmethod
    def takes(
        self, connection: HTTP1Connection, start_line: RequestStartLine, headers: HTTPHeaders
    ) -> bool:
        """Take the request and detach its connection, or leave it alone and return False."""

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Meet a request."""
        connection = cast(HTTP1Connection, request_conn)
        return _Passenger(
            lambda start_line, headers: self.takes(connection, start_line, headers),
            lambda: self._onward.start_request(server_conn, request_conn),
        )

    def on_close(self, server_conn: object) -> None:
        """Pass on that a client has closed."""
        self._onward.on_close(server_conn)


class _Passenger(HTTPMessageDelegate):
    """One request; ``onward`` is asked for its delegate only when it passes."""

    __slots__ = ("_delegate", "_onward", "_takes")

    def __init__(
        self,
        takes: Callable[[RequestStartLine, HTTPHeaders], bool],
        onward: Callable[[], HTTPMessageDelegate],
    ) -> None:
        self._takes = takes
        self._onward = onward
        self._delegate: HTTPMessageDelegate | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Decide by the headers."""
        if self._takes(cast(RequestStartLine, start_line), headers):
            return None
        self._delegate = self._onward()
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass on a part of the body."""
        return self._delegate.data_received(chunk) if self._delegate else None

    def finish(self) -> None:
        """Pass on that the request is complete."""
        if self._delegate:
            self._delegate.finish()

    def on_connection_close(self) -> None:
        """Pass on that the client has gone."""
        if self._delegate:
            self._delegate.on_connection_close()
