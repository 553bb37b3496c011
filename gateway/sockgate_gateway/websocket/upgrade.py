"""Accept WebSockets, and refuse openings, before Tornado's application receives the request.

Strategy: after the handshake a WebSocket needs neither a request handler nor Tornado's stream, and
these two are most of a connection's cost. So the upgrade is accepted while only the headers were
read, with ``HTTP1Connection.detach()``, Tornado's own way for protocols that begin as HTTP. The
socket then moves to a ``SocketStream``. All other requests are forwarded to the application.
"""

import os
import socket
from collections.abc import Callable
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
)
from tornado.iostream import IOStream, SSLIOStream

from ..http.interceptor import DeferredHeads, ForwardedRequest, Interceptor, socket_peer
from ..http.plain_request import Request
from ..http.proxies import Client
from ..http.responses import RequestRefused
from ..http.server_streams import refuse
from .accept import WebSocketAcceptor
from .framing import Framing
from .stream import SocketStream, TornadoStream
from .transport import WebSocket


class UpgradeInterceptor(Interceptor):
    """Accept or refuse WebSockets; forward all other requests.

    Args:
        application: Tornado's application, for the other requests.
        acceptor: accepts or refuses WebSockets.
        refusal_for: returns a response that refuses a request before its handler exists, or None.
    """

    def __init__(
        self,
        application: HTTPServerConnectionDelegate,
        acceptor: WebSocketAcceptor,
        refusal_for: Callable[[Request, Client], bytes | None],
    ) -> None:
        super().__init__(DeferredHeads(application))
        self._acceptor = acceptor
        self._refusal_for = refusal_for

    def intercept(
        self, connection: HTTP1Connection, start_line: RequestStartLine, headers: HTTPHeaders
    ) -> HTTPMessageDelegate | None:
        """Take a request for a WebSocket; set the client of any other request."""
        client = self._set_client(connection, headers)
        request = Request(start_line.method, start_line.path, start_line.version, headers)
        framing = self._acceptor.framing_for(request)
        if framing is not None:
            self._accept_or_refuse(connection, request, framing, client)
            return ForwardedRequest()
        refusal = self._refusal_for(request, client)
        if refusal is None:
            return None
        refuse(connection, refusal)
        return ForwardedRequest()

    def _set_client(self, connection: HTTP1Connection, headers: HTTPHeaders) -> Client:
        """Write the client behind trusted proxies into the request's context."""
        context: Any = connection.context
        client = self._acceptor.proxies.client_of(*socket_peer(connection), headers)
        context.remote_ip, context.protocol = client.address, client.scheme
        return client

    def _accept_or_refuse(
        self, connection: HTTP1Connection, request: Request, framing: Framing, client: Client
    ) -> None:
        if connection.stream.closed():  # The client disconnected right after its handshake.
            connection.detach()
            return
        try:
            websocket, response = self._acceptor.accept(request, framing, client)
        except RequestRefused as refused:
            refuse(connection, refused.response(request.method))
        else:
            self._attach(connection.detach(), websocket, response)

    def _attach(self, stream: IOStream, websocket: WebSocket, response: bytes) -> None:
        context = self._acceptor.context
        limit_bytes = context.max_outbox_bytes
        stream.set_nodelay(True)
        if isinstance(stream, SSLIOStream):
            tls = TornadoStream(stream, websocket, context.poller.loop, limit_bytes)
            websocket.attach(tls, response)
            return
        sock = _take_socket(stream)
        websocket.attach(SocketStream(sock, websocket, context.poller, limit_bytes), response)


def _take_socket(stream: IOStream) -> socket.socket:
    """Move the socket out of the stream.

    Data that the stream has read beyond the handshake is discarded. A client must wait for the
    response before it sends anything (RFC 6455 section 4.1).
    """
    sock = socket.socket(fileno=os.dup(stream.socket.fileno()))
    sock.setblocking(False)
    stream.close()
    return sock
