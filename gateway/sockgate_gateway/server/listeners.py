"""The HTTP servers of one worker: for browsers, for sibling workers, for operations."""

import asyncio
import socket
import ssl
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerConnectionDelegate
from tornado.netutil import bind_sockets, bind_unix_socket

from ..config.config import Config
from ..http.origins import OriginPolicy
from ..http.pending import Evictions, PendingConnections
from ..http.proxies import ProxyPolicy
from ..http.refusal_log import RefusalLog
from ..http.relay import UNIX_PEER, Relay, Siblings
from ..loop.acceptor import DescriptorLimit, PauseLog
from ..loop.descriptors import browser_ceiling, operations_ceiling
from ..loop.timer_wheel import TimerWheel
from ..sessions.lifecycle import Lifecycle
from ..sockjs.router import Router
from ..sockjs.unknown_sockjs_sessions import UnknownSockJSSessions
from ..websocket.accept import WebSocketAcceptor
from ..websocket.epoll import open_poller
from ..websocket.fast_path import FastPath
from ..websocket.transport import WebSocketContext
from ..websocket.upgrade import UpgradeInterceptor
from .http_server import Server

IDLE_HTTP_S = 30
"""The limit for a request's headers, and for the idle time of a kept-alive connection."""

BACKLOG = 4096
MAX_IDLE_OPERATIONS = 16
"""The limit of connections to the ops port without a request: less than the spare descriptors."""

MAX_HEADER_BYTES = 48 * 1024
"""The limit of a request line and its headers: nginx's 32 KiB, and what proxies add."""

READ_BYTES = 16 * 1024
"""The size of one read, and so the memory of a body before it is counted."""

MAX_BUFFER_BYTES = 1024 * 1024


def bind(config: Config) -> tuple[list[socket.socket], list[socket.socket]]:
    """Bind the sockets for browsers and for operations.

    Raises:
        OSError: a port is taken.
    """
    reuse = config.workers > 1
    sockets = bind_sockets(config.port, config.host, backlog=BACKLOG, reuse_port=reuse)
    for sock in sockets:  # accepted sockets inherit the option
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ops = bind_sockets(config.ops_port, config.ops_host) if config.ops_port else []
    return sockets, ops


def supervisor_port(config: Config) -> int:
    """Return the port of all workers together; 0: there is none."""
    if config.supervisor_port is None:
        return config.ops_port and config.ops_port - 1
    return config.supervisor_port


def bind_supervisor(config: Config) -> list[socket.socket]:
    """Bind the sockets of all workers together.

    Raises:
        OSError: the port is taken.
    """
    port = supervisor_port(config)
    return bind_sockets(port, config.ops_host) if port else []


class Listeners:
    """Serve HTTP on bound sockets. Build it inside the running loop.

    Args:
        unknown_sockjs_sessions: counts requests for SockJS sessions that are not open.

    ``pauses``: of accepting.
    """

    def __init__(self, unknown_sockjs_sessions: UnknownSockJSSessions) -> None:
        self._unknown_sockjs_sessions = unknown_sockjs_sessions
        self._evictions = Evictions()
        self._refusals: RefusalLog | None = None
        self._for_browsers: list[HTTPServer] = []
        self.pauses = PauseLog(asyncio.get_running_loop().time)

    @property
    def displaced_requests(self) -> int:
        """How many connections without a complete request were closed for another one."""
        return self._evictions.count

    @property
    def accept_pauses(self) -> int:
        """How often new clients had to wait, because no descriptor was left."""
        return self.pauses.pauses

    @property
    def refused_origins(self) -> int:
        """How many requests came from pages of other origins."""
        return self._refusals.refused_origins if self._refusals else 0

    def serve_browsers(
        self,
        config: Config,
        lifecycle: Lifecycle,
        wheel: TimerWheel,
        sockets: list[socket.socket],
        siblings: Siblings | None,
    ) -> None:
        """Serve browsers, and requests that sibling workers relay."""
        front_ends = _FrontEnds(config, lifecycle, wheel, self._unknown_sockjs_sessions, siblings)
        self._refusals = front_ends.refusals
        proxies = ProxyPolicy(config.trusted_proxies)
        acceptor = front_ends.acceptor(proxies)
        pending = self._pending_connections(config, proxies)
        descriptors = DescriptorLimit(
            browser_ceiling(),
            pending.evict_oldest,
            self.pauses,
            lifecycle.count_unfinished,
            lifecycle.admission.note_postponed,
        )
        application: HTTPServerConnectionDelegate = front_ends.interceptor(acceptor)
        if siblings:
            application = Relay(application, siblings, config.prefix, proxies)
            self._serve_siblings(config, front_ends, siblings, descriptors)
        tls = _tls(config)
        fast_path = None if tls else FastPath(acceptor, pending, front_ends.early_answers.answer)
        max_body_bytes = front_ends.router.max_body_bytes
        self._for_browsers.append(
            _serve(
                application,
                sockets,
                descriptors,
                pending,
                max_body_bytes=max_body_bytes,
                fast_path=fast_path,
                tls=tls,
            )
        )

    def _serve_siblings(
        self,
        config: Config,
        front_ends: "_FrontEnds",
        siblings: Siblings,
        descriptors: DescriptorLimit,
    ) -> None:
        """Serve the requests that sibling workers relay, on a Unix socket."""
        proxies = ProxyPolicy([UNIX_PEER])
        application = front_ends.interceptor(front_ends.acceptor(proxies))
        sock = bind_unix_socket(str(siblings.socket_of(siblings.number)))
        pending = self._pending_connections(config, proxies)
        max_body_bytes = front_ends.router.max_body_bytes
        self._for_browsers.append(
            _serve(application, [sock], descriptors, pending, max_body_bytes=max_body_bytes)
        )

    def _pending_connections(self, config: Config, proxies: ProxyPolicy) -> PendingConnections:
        return PendingConnections(
            proxies,
            total=config.max_unauthenticated,
            per_address=config.max_per_address,
            evictions=self._evictions,
        )

    def stop_accepting(self) -> None:
        """Accept no further connections of browsers."""
        for server in self._for_browsers:
            server.stop()

    async def close(self) -> None:
        """Close every socket."""
        for server in self._for_browsers:
            server.stop()
            await server.close_all_connections()


class OperationsListener:
    """Serve health, readiness and metrics. Build it inside the running loop."""

    def __init__(self) -> None:
        self._servers: list[HTTPServer] = []

    def serve(
        self, application: HTTPServerConnectionDelegate, sockets: list[socket.socket]
    ) -> None:
        """Serve on bound sockets."""
        pending = PendingConnections(
            ProxyPolicy([]), total=MAX_IDLE_OPERATIONS, per_address=MAX_IDLE_OPERATIONS
        )
        pauses = PauseLog(asyncio.get_running_loop().time)
        descriptors = DescriptorLimit(operations_ceiling(), pending.evict_oldest, pauses)
        self._servers.append(_serve(application, sockets, descriptors, pending))

    async def close(self) -> None:
        """Close every socket."""
        for server in self._servers:
            server.stop()
            await server.close_all_connections()


class _FrontEnds:
    """The SockJS and WebSocket front ends that all HTTP servers of a worker share."""

    def __init__(
        self,
        config: Config,
        lifecycle: Lifecycle,
        wheel: TimerWheel,
        unknown_sockjs_sessions: UnknownSockJSSessions,
        siblings: Siblings | None,
    ) -> None:
        self._config = config
        self._origins = OriginPolicy(config.origins)
        self.refusals = RefusalLog(self._origins.sources(), config.prefix)
        self.router = Router(
            config,
            lifecycle,
            wheel,
            self._origins,
            self.refusals,
            unknown_sockjs_sessions=unknown_sockjs_sessions,
        )
        self.early_answers = self.router.early_answers(
            lambda session_id: siblings is None or siblings.owner_of(session_id) == siblings.number
        )
        self._context = WebSocketContext(
            lifecycle=lifecycle,
            wheel=wheel,
            poller=open_poller(asyncio.get_running_loop()),
            heartbeat_s=config.heartbeat,
            max_message_bytes=config.max_frame,
            max_outbox_bytes=config.max_outbox,
            compression=config.compression,
            take_over=self.router.take_over,
        )

    def acceptor(self, proxies: ProxyPolicy) -> WebSocketAcceptor:
        """Return an acceptor of WebSockets. Only the trusted proxies differ between servers."""
        config = self._config
        return WebSocketAcceptor(
            self._context,
            prefix=config.prefix,
            transports=config.transports,
            origins=self._origins,
            proxies=proxies,
            refusals=self.refusals,
        )

    def interceptor(self, acceptor: WebSocketAcceptor) -> UpgradeInterceptor:
        application = self.router.application()
        return UpgradeInterceptor(application, acceptor, self.early_answers.refusal)


def _serve(
    application: HTTPServerConnectionDelegate,
    sockets: list[socket.socket],
    descriptors: DescriptorLimit,
    pending: PendingConnections,
    *,
    max_body_bytes: int = 0,
    fast_path: FastPath | None = None,
    **options: Any,
) -> HTTPServer:
    server = Server(
        application,
        descriptors,
        pending,
        max_body_bytes,
        fast_path,
        idle_connection_timeout=IDLE_HTTP_S,
        body_timeout=IDLE_HTTP_S,
        max_header_size=MAX_HEADER_BYTES,
        max_buffer_size=MAX_BUFFER_BYTES,
        chunk_size=READ_BYTES,
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
