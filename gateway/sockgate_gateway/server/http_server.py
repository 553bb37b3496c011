"""Tornado's HTTP server with our own acceptor, streams, and limits on incomplete requests."""

import asyncio
import socket
import ssl
from collections.abc import Iterable
from typing import Any, cast

from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerConnectionDelegate

from ..http.lingering import LingeringClose
from ..http.pending import PendingConnections, PendingRequests
from ..http.relay import UNIX_PEER
from ..http.server_streams import SecureServerStream, ServerStream, max_chunks
from ..loop.acceptor import Acceptor, DescriptorLimit
from ..loop.streams import drop_traceback
from ..websocket.fast_path import FastPath


class Server(HTTPServer):
    """Tornado's server with an acceptor of our own, and our limits on incomplete requests.

    Args:
        application: serves requests.
        descriptors: pauses accepting when file descriptors run out.
        pending: counts connections without a complete request.
        max_body_bytes: the largest body.
        fast_path: receives accepted sockets first; None with TLS and behind a relay.
        tls: encrypts the connections; None: plain HTTP.
        options: those of Tornado's server.
    """

    def initialize(  # type: ignore[override]
        self,
        application: HTTPServerConnectionDelegate,
        descriptors: DescriptorLimit,
        pending: PendingConnections,
        max_body_bytes: int = 0,
        fast_path: FastPath | None = None,
        tls: ssl.SSLContext | None = None,
        **options: Any,
    ) -> None:
        """Receive the arguments of the constructor, as is usual in Tornado."""
        loop = asyncio.get_running_loop()
        self._requests = PendingRequests(application, pending, loop.call_soon, max_body_bytes)
        self._lingering = LingeringClose(pending, loop)
        self._descriptors = descriptors
        self._fast_path = fast_path
        self._tls = tls
        super().initialize(self._requests, max_body_size=max_body_bytes, **options)

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on listening sockets, as long as there are descriptors."""
        for sock in sockets:
            acceptor = Acceptor(sock, self._handle_connection, self._descriptors)
            self._sockets[sock.fileno()] = sock
            self._handlers[sock.fileno()] = acceptor.stop

    def stop(self) -> None:
        """Stop accepting connections."""
        super().stop()
        if self._fast_path is not None:
            self._fast_path.hand_all_to_tornado()

    async def close_all_connections(self) -> None:
        """Close every connection."""
        await super().close_all_connections()
        self._lingering.end_all()

    def on_close(self, server_conn: object) -> None:
        """Notify the pending requests, too."""
        super().on_close(server_conn)
        self._requests.on_close(server_conn)
        drop_traceback(cast(HTTP1ServerConnection, server_conn).stream)

    def _handle_connection(self, connection: socket.socket, address: Any) -> None:
        if self._fast_path is None:
            self._open_stream(connection, address)
        else:
            self._fast_path.accept(connection, address, self._open_stream)

    def _open_stream(self, connection: socket.socket, address: Any) -> None:
        """Serve a connection as Tornado does, but on a stream of our own class."""
        source = address[0] if isinstance(address, tuple) else UNIX_PEER
        options: dict[str, Any] = {
            "linger": lambda sock: self._lingering.start(sock, source),
            "max_chunks": max_chunks(self._requests.max_body_bytes),
            "is_relayed": source == UNIX_PEER,
            "max_buffer_size": self.max_buffer_size,
            "read_chunk_size": self.read_chunk_size,
        }
        if self._tls is None:
            self.handle_stream(ServerStream(connection, **options), address)
            return
        try:
            secure = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        except OSError:  # The client has disconnected already.
            connection.close()
        else:
            self.handle_stream(SecureServerStream(secure, **options), address)
