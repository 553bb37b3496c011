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
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, HTTPServerConnectionDelegate, RequestStartLine
from tornado.iostream import IOStream, SSLIOStream

from ..detour import Detour, peer_of
from ..errors import Refused
from ..origins import OriginPolicy
from ..proxies import Client, ProxyPolicy
from .deflate import RESPONSE, is_offered
from .handshake import HandshakeRefused, accept, asks_for_websocket, refusal
from .link import SocketLink, StreamLink
from .transport import DEFLATED, RAW, SOCKJS, Dialect, Surroundings, WebSocket


class Door(Detour):
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
        super().__init__(application)
        self._shared = shared
        self._origins = origins
        self._proxies = proxies
        base = re.escape(prefix)
        paths = {
            SOCKJS: base + r"/[^/.]{1,128}/[^/.]{1,128}/websocket",
            RAW: base + r"/websocket",
        }
        self._paths = {d: re.compile(p) for d, p in paths.items() if d.name in transports}

    def takes(
        self, connection: HTTP1Connection, start_line: RequestStartLine, headers: HTTPHeaders
    ) -> bool:
        """Let a WebSocket in; correct what a proxy has hidden of any other request."""
        client = self.correct(connection, headers)
        dialect = self.dialect_of(start_line.path, headers)
        if dialect is None:
            return False
        self.let_in(connection, start_line, headers, dialect, client)
        return True

    def dialect_of(self, path: str, headers: HTTPHeaders) -> Dialect | None:
        """Tell which WebSocket a request wants, if any."""
        if not asks_for_websocket(headers):
            return None
        bare = path.partition("?")[0]
        return next((d for d, pattern in self._paths.items() if pattern.fullmatch(bare)), None)

    def correct(self, connection: HTTP1Connection, headers: HTTPHeaders) -> Client:
        """Write the real client into the request's context."""
        context: Any = connection.context
        client = self._proxies.client_of(*peer_of(connection), headers)
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
            extensions = self._agree_on_extensions(headers)
            response = accept(start_line.method, start_line.version, headers, extensions)
            agreed = DEFLATED[dialect] if extensions else dialect
            websocket = WebSocket(self._shared, agreed, client.address)
        except HandshakeRefused as refused:
            _refuse(stream, refused)
        except Refused as refused:
            _refuse(stream, HandshakeRefused(503, refused.code.reason, ("Retry-After", "5")))
        else:
            self._attach(stream, websocket, response)

    def _agree_on_extensions(self, headers: HTTPHeaders) -> str:
        offered = headers.get("Sec-WebSocket-Extensions", "")
        return RESPONSE if self._shared.compression and is_offered(offered) else ""

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
