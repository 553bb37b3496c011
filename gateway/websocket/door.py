"""The door: it meets every HTTP request before Tornado's application does.

Strategy: a WebSocket needs neither a request handler nor Tornado's stream once the handshake is
answered, and both are what a connection costs. So the upgrade is accepted while the headers are
all that was read, with ``HTTP1Connection.detach()``, Tornado's own way out for protocols that
begin as HTTP; the socket then moves to a ``SocketLink``. Everything else goes on to the
application as if we were not here.
"""

import os
import socket
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, HTTPServerConnectionDelegate, RequestStartLine
from tornado.iostream import IOStream, SSLIOStream

from ..detour import Detour, peer_of
from ..proxies import Client
from .handshake import HandshakeRefused, refusal
from .link import SocketLink, StreamLink
from .reception import Reception
from .request import Request
from .transport import Dialect, WebSocket


class Door(Detour):
    """Let WebSockets in; pass everything else on.

    Args:
        application: Tornado's, for what is no WebSocket.
        reception: decides who gets one.
    """

    def __init__(self, application: HTTPServerConnectionDelegate, reception: Reception) -> None:
        super().__init__(application)
        self._reception = reception

    def takes(
        self, connection: HTTP1Connection, start_line: RequestStartLine, headers: HTTPHeaders
    ) -> bool:
        """Let a WebSocket in; correct what a proxy has hidden of any other request."""
        client = self.correct(connection, headers)
        request = Request(start_line.method, start_line.path, start_line.version, headers)
        dialect = self._reception.dialect_of(request)
        if dialect is None:
            return False
        self.let_in(connection.detach(), request, dialect, client)
        return True

    def correct(self, connection: HTTP1Connection, headers: HTTPHeaders) -> Client:
        """Write the real client into the request's context."""
        context: Any = connection.context
        client = self._reception.proxies.client_of(*peer_of(connection), headers)
        context.remote_ip, context.protocol = client
        return client

    def let_in(self, stream: IOStream, request: Request, dialect: Dialect, client: Client) -> None:
        """Accept a WebSocket, or refuse it in HTTP."""
        if stream.closed():  # the client left together with its handshake
            return
        try:
            websocket, response = self._reception.receive(request, dialect, client)
        except HandshakeRefused as refused:
            _refuse(stream, refused)
        else:
            self._attach(stream, websocket, response)

    def _attach(self, stream: IOStream, websocket: WebSocket, response: bytes) -> None:
        shared = self._reception.shared
        stream.set_nodelay(True)
        if isinstance(stream, SSLIOStream):
            tls = StreamLink(stream, websocket, shared.poll.loop, shared.max_outbox)
            websocket.attach(tls, response)
            return
        link = SocketLink(_take_socket(stream), websocket, shared.poll, shared.max_outbox)
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
