"""The composition root: one worker, from its configuration to its open port."""

import asyncio
import gc
import logging
import signal
import ssl
from contextlib import suppress
from secrets import token_hex
from socket import socket
from time import monotonic
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerConnectionDelegate
from tornado.netutil import bind_sockets

from .authenticator import Authenticator
from .broker.clients import open_client, subscriber_pool
from .broker.ledger import Ledger
from .broker.replies import RedisReplies
from .broker.sessions import RedisSessionReader
from .broker.subscriber import Subscriber
from .config import Config
from .control import Listener
from .endpoint import Endpoint
from .hub import Hub
from .ops import ops_application
from .origins import OriginPolicy
from .proxies import ProxyPolicy
from .registry import Limits, Registry
from .sessionwatch import SessionWatch
from .sockjs.router import Router
from .timerwheel import TimerWheel
from .websocket.door import Door
from .websocket.transport import Surroundings
from .wire import messages
from .wire.closecodes import CloseCode
from .wire.names import Names
from .wire.tokens import TokenSigner

log = logging.getLogger("gateway")

IDLE_HTTP_S = 30
"""How long a request's headers may take, and how long a kept-alive connection may be silent."""

BACKLOG = 4096
MAX_HEADER_BYTES = 16 * 1024
MAX_BUFFER_BYTES = 1024 * 1024


class Worker:
    """One gateway process. Build it inside the running loop.

    Args:
        config: checked.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.id = token_hex(8)
        names = Names(config.key_prefix, config.channel_prefix)
        self.wheel = TimerWheel(monotonic)
        self._client = open_client(config.redis_url)
        self._pool = subscriber_pool(config.redis_url)
        permanent = (names.control.encode(), names.probe(self.id).encode())
        ledger = Ledger(names, self.wheel, config.release_delay, permanent)
        self.subscriber = Subscriber(self._pool, self._client, ledger, names, self.wheel, self.id)
        self.hub = Hub(names, ledger, config.max_publication)
        reader = RedisSessionReader(self._client, names)
        signer = TokenSigner(config.signing_keys)
        authenticator = Authenticator(signer, reader, config.token_max_age)
        self.endpoint = Endpoint(
            Registry(_limits(config)),
            self.hub,
            authenticator,
            self.subscriber,
            self.wheel,
            config.connect_timeout,
            config.max_outbox,
        )
        self.watch = SessionWatch(self.endpoint, authenticator, self.wheel, config.audit_interval)
        self.endpoint.on_welcome = self.watch.welcomed
        replies = RedisReplies(self._client, names)
        self._listener = Listener(self.endpoint, self.watch, replies)
        self._tasks: list[asyncio.Task[None]] = []
        self._servers: list[HTTPServer] = []

    @property
    def is_ready(self) -> bool:
        """Tell whether a browser that connects now will be served."""
        return self.subscriber.is_live and not self.endpoint.is_draining

    def start(self, sockets: list[socket], ops_sockets: list[socket]) -> None:
        """Begin to serve on bound sockets."""
        self._tasks = [
            asyncio.create_task(self.subscriber.run(self._listener), name="subscriber"),
            asyncio.create_task(self.watch.audit(), name="audit"),
            asyncio.create_task(self._turn_wheel(), name="wheel"),
        ]
        for task in self._tasks:
            task.add_done_callback(_report)
        self._serve_browsers(sockets)
        if ops_sockets:
            self._serve_ops(ops_sockets)

    async def stop(self) -> None:
        """Send every browser elsewhere, then let go of everything."""
        await self._drain()
        for server in self._servers:
            server.stop()
            await server.close_all_connections()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._pool.aclose()
        await self._client.aclose()

    async def _drain(self) -> None:
        self.endpoint.is_draining = True
        for server in self._servers[:1]:
            server.stop()
        timeout_s = self.config.drain_timeout
        for connection in self.endpoint.registry.open_connections():
            connection.send(messages.drain(timeout_s))
        deadline = monotonic() + timeout_s
        while self.endpoint.registry.connections and monotonic() < deadline:
            await asyncio.sleep(0.05)
        for connection in list(self.endpoint.registry.connections):
            self.endpoint.close(connection, CloseCode.DRAIN)
        await asyncio.sleep(0.1)

    def _serve_browsers(self, sockets: list[socket]) -> None:
        config = self.config
        origins = OriginPolicy(config.origins)
        router = Router(config, self.endpoint, self.wheel, origins)
        shared = Surroundings(
            self.endpoint,
            self.wheel,
            asyncio.get_running_loop(),
            config.heartbeat,
            config.max_frame,
            config.max_outbox,
        )
        door = Door(
            router.application(),
            shared,
            config.prefix,
            config.transports,
            origins,
            ProxyPolicy(config.trusted_proxies),
        )
        self._serve(door, sockets, max_body_size=router.max_body_bytes, ssl_options=_tls(config))

    def _serve_ops(self, sockets: list[socket]) -> None:
        self._serve(ops_application(self.endpoint, lambda: self.is_ready), sockets)

    def _serve(
        self, application: HTTPServerConnectionDelegate, sockets: list[socket], **options: Any
    ) -> None:
        server = HTTPServer(
            application,
            idle_connection_timeout=IDLE_HTTP_S,
            body_timeout=IDLE_HTTP_S,
            max_header_size=MAX_HEADER_BYTES,
            max_buffer_size=MAX_BUFFER_BYTES,
            **options,
        )
        server.add_sockets(sockets)
        self._servers.append(server)

    async def _turn_wheel(self) -> None:
        while True:
            await asyncio.sleep(self.wheel.tick_s)
            self.wheel.turn()


async def serve(config: Config, sockets: list[socket], ops_sockets: list[socket]) -> None:
    """Run one worker until SIGTERM or SIGINT."""
    tune_collector()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stopping.set)
    worker = Worker(config)
    worker.start(sockets, ops_sockets)
    log.info("event=started port=%d worker=%s", sockets[0].getsockname()[1], worker.id)
    await stopping.wait()
    log.info("event=stopping worker=%s", worker.id)
    await worker.stop()


def bind(config: Config) -> tuple[list[socket], list[socket]]:
    """Bind the sockets for browsers and for operations.

    Raises:
        OSError: a port is taken.
    """
    reuse = config.workers > 1
    sockets = bind_sockets(config.port, config.host, backlog=BACKLOG, reuse_port=reuse)
    ops = bind_sockets(config.ops_port, "127.0.0.1") if config.ops_port else []
    return sockets, ops


def tune_collector() -> None:
    """Let the cyclic collector look rarely, and never at what lives as long as the process.

    Connections are long-lived and form no garbage cycles; at the default thresholds the
    collector walks over all of them again and again while they connect, and doubles the cost
    of a connect at 8,000 connections.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _limits(config: Config) -> Limits:
    return Limits(
        total=config.max_connections,
        unauthenticated=config.max_unauthenticated,
        per_user=config.max_per_user,
        per_address=config.max_per_address,
    )


def _tls(config: Config) -> ssl.SSLContext | None:
    if not config.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(config.tls_cert, config.tls_key)
    return context


def _report(task: "asyncio.Task[None]") -> None:
    """A task that should run forever has ended: say so."""
    with suppress(asyncio.CancelledError):
        error = task.exception()
        if error is not None:
            log.error("event=task_ended task=%s", task.get_name(), exc_info=error)
