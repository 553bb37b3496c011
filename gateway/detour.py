"""Meeting a request by its headers, before it goes on to where it would have gone.

Tornado's ``HTTP1Connection.detach()`` gives a socket away, but only while the headers are all
that was read. Whoever decides then, and otherwise lets the request pass, is a detour.
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


def peer_of(connection: HTTP1Connection) -> tuple[str, str]:
    """Tell the address on the socket, and the scheme that it speaks.

    Tornado's context names them for as long as nobody has written there what a proxy says of
    one request; the next request on the connection may be another browser's.
    """
    context: Any = connection.context
    return context._orig_remote_ip, context._orig_protocol


class Passage(HTTPMessageDelegate):
    """One request on its way onward.

    Args:
        onward: takes the request; None: nobody does, or nobody yet.
    """

    __slots__ = ("_onward",)

    def __init__(self, onward: HTTPMessageDelegate | None = None) -> None:
        self._onward = onward

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Pass on what is asked."""
        return self._onward.headers_received(start_line, headers) if self._onward else None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass on a part of the body."""
        return self._onward.data_received(chunk) if self._onward else None

    def finish(self) -> None:
        """Pass on that the request is complete."""
        if self._onward:
            self._onward.finish()

    def on_connection_close(self) -> None:
        """Pass on that the client has gone."""
        if self._onward:
            self._onward.on_connection_close()


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
        return _Crossing(
            lambda start_line, headers: self.takes(connection, start_line, headers),
            lambda: self._onward.start_request(server_conn, request_conn),
        )

    def on_close(self, server_conn: object) -> None:
        """Pass on that a client has closed."""
        self._onward.on_close(server_conn)


class _Crossing(Passage):
    """A request that goes onward unless it is taken."""

    __slots__ = ("_find_onward", "_takes")

    def __init__(
        self,
        takes: Callable[[RequestStartLine, HTTPHeaders], bool],
        find_onward: Callable[[], HTTPMessageDelegate],
    ) -> None:
        super().__init__()
        self._takes = takes
        self._find_onward = find_onward

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Decide by the headers."""
        if not self._takes(cast(RequestStartLine, start_line), headers):
            self._onward = self._find_onward()
        return super().headers_received(start_line, headers)
