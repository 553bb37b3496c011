"""The HTTP servers of one worker: for browsers, for its siblings, for operations."""

import asyncio
import ssl
from socket import socket
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerConnectionDelegate
from tornado.netutil import bind_sockets, bind_unix_socket

from .config import Config
from .endpoint import Endpoint
from .lobby import Lobby
from .origins import OriginPolicy
from .proxies import ProxyPolicy
from .relay import UNIX_PEER, Relay, Siblings
from .sockjs.router import Router
from .timerwheel import TimerWheel
from .websocket.door import Door
from .websocket.transport import Surroundings

IDLE_HTTP_S = 30
"""How long a request's headers may take, and how long a kept-alive connection may be silent."""

BACKLOG = 4096
MAX_HEADER_BYTES = 16 * 1024
MAX_BUFFER_BYTES = 1024 * 1024


def bind(config: Config) -> tuple[list[socket], list[socket]]:
    """Bind the sockets for browsers and for operations.

    Raises:
        OSError: a port is taken.
    """
    reuse = config.workers > 1
    sockets = bind_sockets(config.port, config.host, backlog=BACKLOG, reuse_port=reuse)
    ops = bind_sockets(config.ops_port, "127.0.0.1") if config.ops_port else []
    return sockets, ops


class Listeners:
    """Serve HTTP on bound sockets. Build it inside the running loop."""

    def __init__(self) -> None:
        self._for_browsers: list[HTTPServer] = []
        self._for_operations: list[HTTPServer] = []

    def serve_browsers(
        self,
        config: Config,
        endpoint: Endpoint,
        wheel: TimerWheel,
        sockets: list[socket],
        siblings: Siblings | None,
    ) -> None:
        """Serve browsers, and what siblings relay."""
        doors = _Doors(config, endpoint, wheel)
        proxies = ProxyPolicy(config.trusted_proxies)
        front: HTTPServerConnectionDelegate = doors.open(proxies)
        body = {"max_body_size": doors.router.max_body_bytes}
        if siblings:
            front = Relay(front, siblings, config.prefix, proxies)
            mine = bind_unix_socket(str(siblings.socket_of(siblings.number)))
            relayed = doors.open(ProxyPolicy([UNIX_PEER]))
            self._for_browsers.append(_serve(relayed, [mine], **body))
        lobby = Lobby(front, config.max_unauthenticated, config.max_per_address, proxies)
        self._for_browsers.append(_serve(lobby, sockets, ssl_options=_tls(config), **body))

    def serve_operations(
        self, application: HTTPServerConnectionDelegate, sockets: list[socket]
    ) -> None:
        """Serve health, readiness and metrics."""
        self._for_operations.append(_serve(application, sockets))

    def stop_accepting(self) -> None:
        """Take no new browsers."""
        for server in self._for_browsers:
            server.stop()

    async def close(self) -> None:
        """Let go of every socket."""
        for server in self._for_browsers + self._for_operations:
            server.stop()
            await server.close_all_connections()


class _Doors:
    """What every door of a worker leads to."""

    def __init__(self, config: Config, endpoint: Endpoint, wheel: TimerWheel) -> None:
        self._config = config
        self._origins = OriginPolicy(config.origins)
        self.router = Router(config, endpoint, wheel, self._origins)
        self._shared = Surroundings(
            endpoint,
            wheel,
            asyncio.get_running_loop(),
            config.heartbeat,
            config.max_frame,
            config.max_outbox,
            config.compression,
        )

    def open(self, proxies: ProxyPolicy) -> Door:
        config = self._config
        application = self.router.application()
        return Door(
            application, self._shared, config.prefix, config.transports, self._origins, proxies
        )


class _Server(HTTPServer):
    """Tornado's, which keeps to itself that a client has closed."""

    def on_close(self, server_conn: object) -> None:
        """Tell the application, too."""
        super().on_close(server_conn)
        if isinstance(self.request_callback, HTTPServerConnectionDelegate):
            self.request_callback.on_close(server_conn)


def _serve(
    application: HTTPServerConnectionDelegate, sockets: list[socket], **options: Any
) -> HTTPServer:
    server = _Server(
        application,
        idle_connection_timeout=IDLE_HTTP_S,
        body_timeout=IDLE_HTTP_S,
        max_header_size=MAX_HEADER_BYTES,
        max_buffer_size=MAX_BUFFER_BYTES,
        **options,
    )
    server.add_sockets(sockets)
    return server


def _tls(config: Config) -> ssl.SSLContext | None:
    if not config.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(config.tls_cert, config.tls_key)
    return context
