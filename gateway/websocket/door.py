"""The door: it meets every HTTP request before Tornado's application does.

Strategy: a WebSocket needs neither a request handler nor Tornado's stream once the handshake is
answered, and both are what a connection costs. So the upgrade is accepted while the headers are
all that was read, with ``HTTP1Connection.detach()``, Tornado's own way out for protocols that
begin as HTTP; the socket then moves to a ``SocketLink``. Everything else goes on to the
application as if we were not here.
"""

import os
import re
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream, SSLIOStream

from ..errors import Refused
from ..origins import OriginPolicy
from ..proxies import Client, ProxyPolicy
from .handshake import HandshakeRefused, accept, asks_for_websocket, refusal
from .link import SocketLink, StreamLink
from .transport import RAW, SOCKJS, Dialect, Surroundings, WebSocket

if TYPE_CHECKING:
    from collections.abc import Awaitable


class Door(HTTPServerConnectionDelegate):
    """Let WebSockets in; pass everything else on.

    Args:
        application: Tornado's, for what is no WebSocket.
        shared: what all WebSockets share.
        prefix: the path of SockJS.
        transports: those that are offered.
        origins: which pages may connect.
        proxies: whose forwarded headers are believed.
    """

    def __init__(
        self,
        application: HTTPServerConnectionDelegate,
        shared: Surroundings,
        prefix: str,
        transports: tuple[str, ...],
        origins: OriginPolicy,
        proxies: ProxyPolicy,
    ) -> None:
        self._application = application
        self._shared = shared
        self._origins = origins
        self._proxies = proxies
        base = re.escape(prefix)
        paths = {
            SOCKJS: base + r"/[^/.]{1,128}/[^/.]{1,128}/websocket",
            RAW: base + r"/websocket",
        }
        self._paths = {d: re.compile(p) for d, p in paths.items() if d.name in transports}

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Meet a request."""
        connection = cast(HTTP1Connection, request_conn)
        return _Visitor(
            self, connection, lambda: self._application.start_request(server_conn, request_conn)
        )

    def on_close(self, server_conn: object) -> None:
        """Pass on that a client has closed."""
        self._application.on_close(server_conn)

    def dialect_of(self, path: str, headers: HTTPHeaders) -> Dialect | None:
        """Tell which WebSocket a request wants, if any."""
        if not asks_for_websocket(headers):
            return None
        bare = path.partition("?")[0]
        return next((d for d, pattern in self._paths.items() if pattern.fullmatch(bare)), None)

    def correct(self, connection: HTTP1Connection, headers: HTTPHeaders) -> Client:
        """Write the real client into the request's context."""
        context: Any = connection.context
        peer = getattr(context, "_orig_remote_ip", context.remote_ip)
        scheme = getattr(context, "_orig_protocol", context.protocol)
        client = self._proxies.client_of(peer, scheme, headers)
        context.remote_ip, context.protocol = client
        return client

    def let_in(
        self,
        connection: HTTP1Connection,
        start_line: RequestStartLine,
        headers: HTTPHeaders,
        dialect: Dialect,
        client: Client,
    ) -> None:
        """Accept a WebSocket, or refuse it in HTTP."""
        stream = connection.detach()
        if stream.closed():  # the client left together with its handshake
            return
        try:
            self._check_origin(headers, client)
            response = accept(start_line.method, start_line.version, headers)
            websocket = WebSocket(self._shared, dialect, client.address)
        except HandshakeRefused as refused:
            _refuse(stream, refused)
        except Refused as refused:
            _refuse(stream, HandshakeRefused(503, refused.code.reason, ("Retry-After", "5")))
        else:
            self._attach(stream, websocket, response)

    def _check_origin(self, headers: HTTPHeaders, client: Client) -> None:
        own = f"{client.scheme}://{headers.get('Host', '')}".lower()
        if not self._origins.allows(headers.get("Origin"), own):
            raise HandshakeRefused(403, "origin not allowed")

    def _attach(self, stream: IOStream, websocket: WebSocket, response: bytes) -> None:
        shared = self._shared
        stream.set_nodelay(True)
        if isinstance(stream, SSLIOStream):
            tls = StreamLink(stream, websocket, shared.loop, shared.max_outbox)
            websocket.attach(tls, response)
            return
        link = SocketLink(_take_socket(stream), websocket, shared.loop, shared.max_outbox)
        websocket.attach(link, response)


class _Visitor(HTTPMessageDelegate):
    """One request at the door."""

    __slots__ = ("_connection", "_door", "_inner", "_pass_on")

    def __init__(
        self, door: Door, connection: HTTP1Connection, pass_on: Callable[[], HTTPMessageDelegate]
    ) -> None:
        self._door = door
        self._connection = connection
        self._pass_on = pass_on
        self._inner: HTTPMessageDelegate | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> "Awaitable[None] | None":
        """Decide by the headers."""
        request = cast(RequestStartLine, start_line)
        client = self._door.correct(self._connection, headers)
        dialect = self._door.dialect_of(request.path, headers)
        if dialect is None:
            self._inner = self._pass_on()
            return self._inner.headers_received(start_line, headers)
        self._door.let_in(self._connection, request, headers, dialect, client)
        return None

    def data_received(self, chunk: bytes) -> "Awaitable[None] | None":
        """Pass on a part of the body."""
        return self._inner.data_received(chunk) if self._inner else None

    def finish(self) -> None:
        """Pass on that the request is complete."""
        if self._inner:
            self._inner.finish()

    def on_connection_close(self) -> None:
        """Pass on that the client has gone."""
        if self._inner:
            self._inner.on_connection_close()


def _refuse(stream: IOStream, refused: HandshakeRefused) -> None:
    stream.write(refusal(refused)).add_done_callback(lambda _: stream.close())


def _take_socket(stream: IOStream) -> socket.socket:
    """Move the socket out of the stream.

    What the stream has read beyond the handshake is left behind: a client must wait for the
    answer before it sends anything (RFC 6455 section 4.1).
    """
    sock = socket.socket(fileno=os.dup(stream.socket.fileno()))
    sock.setblocking(False)
    stream.close()
    return sock
