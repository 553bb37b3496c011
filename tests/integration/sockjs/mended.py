"""Our server, with a fake lifecycle that a test can inspect."""

import asyncio
from collections.abc import Callable
from time import monotonic

from sockgate_gateway.connections.batch import Batch
from sockgate_gateway.connections.connection import Connection
from sockgate_gateway.connections.outlet import Transport
from sockgate_gateway.connections.states import State
from sockgate_gateway.errors import Disconnect
from sockgate_gateway.http.origins import OriginPolicy
from sockgate_gateway.http.pending import PendingConnections
from sockgate_gateway.http.proxies import ProxyPolicy
from sockgate_gateway.http.refusal_log import RefusalLog
from sockgate_gateway.loop.acceptor import DescriptorLimit, PauseLog
from sockgate_gateway.loop.descriptors import browser_ceiling
from sockgate_gateway.loop.timer_wheel import TimerWheel
from sockgate_gateway.server.http_server import Server
from sockgate_gateway.sessions.admission import Admission
from sockgate_gateway.sockjs.router import Router
from sockgate_gateway.sockjs.unknown_sockjs_sessions import UnknownSockJSSessions
from sockgate_gateway.websocket.accept import WebSocketAcceptor
from sockgate_gateway.websocket.epoll import open_poller
from sockgate_gateway.websocket.fast_path import FastPath
from sockgate_gateway.websocket.transport import WebSocketContext
from sockgate_gateway.websocket.upgrade import UpgradeInterceptor
from sockgate_gateway.wire.closecodes import CloseCode

from tests.integration.sockjs.service import PREFIX, Service


class FakeLifecycle:
    """The lifecycle as transports see it, with a program of the test's behind it."""

    is_busy = False

    def __init__(self, service: Service) -> None:
        self._service = service
        self.admission = Admission(monotonic)

    def check_opening(self, address: str) -> None:
        if self._service.program == "refuse":
            raise Disconnect(CloseCode.OVERLOADED)

    def open(self, transport: Transport, address: str) -> Connection:
        if self._service.program in ("refuse", "refuse late"):
            raise Disconnect(CloseCode.OVERLOADED)
        connection = Connection("connection", transport, address, 0)
        self._service.participants.append(connection)
        if self._service.program == "close":
            asyncio.get_running_loop().call_soon(self.close, connection, CloseCode.GOING_AWAY)
        return connection

    def allow_frames(self, connection: Connection) -> bool:
        return True

    def receive(self, connection: Connection, text: str) -> None:
        self._service.received.append(text)
        if self._service.program in ("echo", "stubborn"):
            connection.send_now(text.encode())
        elif self._service.program == "bye":
            connection.send_now(b"bye")
            self.close(connection, CloseCode.GOING_AWAY)

    def transport_closed(self, connection: Connection, code: int = 1006, cause: str = "") -> None:
        if connection.state is State.CLOSED:
            return
        transport = connection.release()
        self._service.participants.remove(connection)
        self._service.closed.append(int(code))
        if self._service.program == "stubborn":
            transport.close(CloseCode.GOING_AWAY)

    def close(self, connection: Connection, code: CloseCode, cause: str = "") -> None:
        if connection.state is State.CLOSED:
            return
        transport = connection.transport
        self.transport_closed(connection, code)
        transport.close(code)


class Mended(Service):
    """Ours; the test advances its clock."""

    def __init__(self, program: str = "echo", **options) -> None:
        super().__init__(program, **options)
        self.now = 1000.0
        self.wheel = TimerWheel(lambda: self.now)

    def application(self) -> UpgradeInterceptor:
        self.router = self.build()
        config, origins = self.config, OriginPolicy(self.config.origins)
        refusals = RefusalLog(origins.allowed, PREFIX)
        context = WebSocketContext(
            lifecycle=self.router.lifecycle,
            wheel=self.wheel,
            poller=open_poller(self._loop),
            heartbeat_s=config.heartbeat,
            max_message_bytes=config.max_frame,
            max_outbox_bytes=config.max_outbox,
            take_over=self.router.take_over,
        )
        self.acceptor = WebSocketAcceptor(
            context,
            prefix=PREFIX,
            transports=config.transports,
            origins=origins,
            proxies=ProxyPolicy([]),
            refusals=refusals,
        )
        self.early_answers = self.router.early_answers(lambda session_id: True)
        application = self.router.application()
        return UpgradeInterceptor(application, self.acceptor, self.early_answers.refusal)

    def build(self) -> Router:
        origins = OriginPolicy(self.config.origins)
        refusals = RefusalLog(origins.allowed, PREFIX)
        return Router(
            self.config,
            self.lifecycle(),
            self.wheel,
            origins,
            refusals,
            unknown_sockjs_sessions=UnknownSockJSSessions(self.wheel),
        )

    def lifecycle(self):
        return FakeLifecycle(self)

    def server(self) -> Server:
        application = self.application()
        pending = PendingConnections(ProxyPolicy([]), total=1000, per_address=1000)
        descriptors = DescriptorLimit(
            browser_ceiling(), pending.evict_oldest, PauseLog(lambda: self.now)
        )
        fast_path = self.fast_path(pending)
        return Server(application, descriptors, pending, self.router.max_body_bytes, fast_path)

    def fast_path(self, pending: PendingConnections) -> FastPath | None:
        return None

    def send(self, *texts: str) -> None:
        batch = Batch(tuple(text.encode() for text in texts))
        self.run(lambda: self.sessions()[-1].send(batch))

    def end(self, code: CloseCode = CloseCode.GOING_AWAY) -> None:
        adapter = self.sessions()[-1].conn
        self.run(lambda: self.router.lifecycle.close(adapter.connection, code))

    def broadcast(self, *texts: str, after: Callable[[], object]) -> None:
        def act():
            after()
            for text in texts:
                batch = Batch((text.encode(),))
                for connection in self.participants:
                    connection.transport.send(batch)

        self.run(act)

    def end_newest(self, code: CloseCode = CloseCode.GOING_AWAY) -> None:
        self.run(lambda: self.router.lifecycle.close(self.participants[-1], code))

    def advance(self, seconds: float) -> None:
        def turn():
            end = self.now + seconds
            while self.now < end:  # One long turn would be that of a late worker.
                self.now = min(self.now + self.wheel.tick_s, end)
                self.wheel.turn()

        self.run(turn)

    def remove_first_session(self) -> None:
        self.run(lambda: self.router.remove(self.sessions()[0]))


class Fast(Mended):
    """Ours, with the fast path before Tornado, as without TLS."""

    def fast_path(self, pending: PendingConnections) -> FastPath:
        return FastPath(self.acceptor, pending, self.early_answers.answer)
