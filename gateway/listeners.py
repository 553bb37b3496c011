"""The HTTP servers of one worker: for browsers, for its siblings, for operations."""

import asyncio
import socket
import ssl
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerConnectionDelegate
from tornado.netutil import bind_sockets, bind_unix_socket

from .config import Config
from .endpoint import Endpoint
from .lobby import Lobby, Usher
from .origins import OriginPolicy
from .proxies import ProxyPolicy
from .relay import UNIX_PEER, Relay, Siblings
from .sockjs.router import Router
from .timerwheel import TimerWheel
from .websocket.door import Door
from .websocket.poll import open_poll
from .websocket.reception import Reception
from .websocket.shortcut import Shortcut
from .websocket.transport import Surroundings

IDLE_HTTP_S = 30
"""How long a request's headers may take, and how long a kept-alive connection may be silent."""

BACKLOG = 4096
MAX_HEADER_BYTES = 16 * 1024
MAX_BUFFER_BYTES = 1024 * 1024


def bind(config: Config) -> tuple[list[socket.socket], list[socket.socket]]:
    """Bind the sockets for browsers and for operations.

    Raises:
        OSError: a port is taken.
    """
    reuse = config.workers > 1
    sockets = bind_sockets(config.port, config.host, backlog=BACKLOG, reuse_port=reuse)
    for sock in sockets:  # whatever is accepted has it, too
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ops = bind_sockets(config.ops_port, config.ops_host) if config.ops_port else []
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
        sockets: list[socket.socket],
        siblings: Siblings | None,
    ) -> None:
        """Serve browsers, and what siblings relay."""
        doors = _Doors(config, endpoint, wheel)
        proxies = ProxyPolicy(config.trusted_proxies)
        reception = doors.reception(proxies)
        front: HTTPServerConnectionDelegate = doors.open(reception)
        body: dict[str, Any] = {"max_body_size": doors.router.max_body_bytes}
        if siblings:
            front = Relay(front, siblings, config.prefix, proxies)
            mine = bind_unix_socket(str(siblings.socket_of(siblings.number)))
            relayed = doors.open(doors.reception(ProxyPolicy([UNIX_PEER])))
            self._for_browsers.append(_serve(relayed, [mine], **body))
        lobby = Lobby(config.max_unauthenticated, config.max_per_address, proxies)
        tls = _tls(config)
        shortcut = None if tls else Shortcut(reception, lobby)
        usher = Usher(front, lobby, asyncio.get_running_loop().call_soon)
        self._for_browsers.append(_serve(usher, sockets, shortcut, ssl_options=tls, **body))

    def serve_operations(
        self, application: HTTPServerConnectionDelegate, sockets: list[socket.socket]
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
            open_poll(asyncio.get_running_loop()),
            config.heartbeat,
            config.max_frame,
            config.max_outbox,
            config.compression,
        )

    def reception(self, proxies: ProxyPolicy) -> Reception:
        """Decide alike behind every door; only the proxies differ."""
        config = self._config
        return Reception(self._shared, config.prefix, config.transports, self._origins, proxies)

    def open(self, reception: Reception) -> Door:
        return Door(self.router.application(), reception)


class Server(HTTPServer):
    """Tornado's, which keeps to itself that a client has closed, and knows no shortcut."""

    shortcut: Shortcut | None = None
    """Takes what was accepted, if there is one."""

    def stop(self) -> None:
        """Accept no more."""
        super().stop()
        if self.shortcut is not None:
            self.shortcut.pass_on_all()

    def on_close(self, server_conn: object) -> None:
        """Tell the application, too."""
        super().on_close(server_conn)
        if isinstance(self.request_callback, HTTPServerConnectionDelegate):
            self.request_callback.on_close(server_conn)

    def _handle_connection(self, connection: socket.socket, address: Any) -> None:
        onward = super()._handle_connection
        if self.shortcut is None:
            onward(connection, address)
        else:
            self.shortcut.accept(connection, address, onward)


def _serve(
    application: HTTPServerConnectionDelegate,
    sockets: list[socket.socket],
    shortcut: Shortcut | None = None,
    **options: Any,
) -> HTTPServer:
    server = Server(
        application,
        idle_connection_timeout=IDLE_HTTP_S,
        body_timeout=IDLE_HTTP_S,
        max_header_size=MAX_HEADER_BYTES,
        max_buffer_size=MAX_BUFFER_BYTES,
        **options,
    )
    server.shortcut = shortcut
    server.add_sockets(sockets)
    return server


def _tls(config: Config) -> ssl.SSLContext | None:
    if not config.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(config.tls_cert, config.tls_key)
    return context
