"""Our server, with a twin of the endpoint that a test can look into."""

import asyncio
from collections.abc import Callable

from gateway.batch import Batch
from gateway.connection import Connection, State, Transport
from gateway.errors import Refused
from gateway.origins import OriginPolicy
from gateway.proxies import ProxyPolicy
from gateway.sockjs.router import Router
from gateway.timerwheel import TimerWheel
from gateway.websocket.door import Door
from gateway.websocket.poll import open_poll
from gateway.websocket.reception import Reception
from gateway.websocket.transport import Surroundings
from gateway.wire.closecodes import CloseCode

from .service import PREFIX, Service


class EndpointTwin:
    """The endpoint as transports see it, with a program of the test's behind it."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def opened(self, transport: Transport, address: str) -> Connection:
        if self._service.program == "refuse":
            raise Refused(CloseCode.OVERLOADED)
        connection = Connection("connection", transport, address, 0)
        self._service.participants.append(connection)
        if self._service.program == "close":
            asyncio.get_running_loop().call_soon(self.close, connection, CloseCode.GOING_AWAY)
        return connection

    def admits(self, connection: Connection) -> bool:
        return True

    def received(self, connection: Connection, text: str) -> None:
        self._service.received.append(text)
        if self._service.program in ("echo", "stubborn"):
            connection.send(text.encode())
        elif self._service.program == "bye":
            connection.send(b"bye")
            self.close(connection, CloseCode.GOING_AWAY)

    def closed(self, connection: Connection, code: int = 1006) -> None:
        if connection.state is State.CLOSED:
            return
        connection.enter(State.CLOSED)
        self._service.participants.remove(connection)
        self._service.closed.append(int(code))
        if self._service.program == "stubborn":
            connection.transport.close(CloseCode.GOING_AWAY)

    def close(self, connection: Connection, code: CloseCode, cause: str = "") -> None:
        if connection.state is State.CLOSED:
            return
        self.closed(connection, code)
        connection.transport.close(code)


class Mended(Service):
    """Ours; time passes when the test says so."""

    def __init__(self, program: str = "echo", **options) -> None:
        super().__init__(program, **options)
        self.now = 1000.0
        self.wheel = TimerWheel(lambda: self.now)

    def application(self) -> Door:
        self.router = self.build()
        config, origins = self.config, OriginPolicy(self.config.origins)
        shared = Surroundings(
            self.router.endpoint,
            self.wheel,
            open_poll(self._loop),
            config.heartbeat,
            config.max_frame,
            config.max_outbox,
        )
        reception = Reception(shared, PREFIX, config.transports, origins, ProxyPolicy([]))
        return Door(self.router.application(), reception)

    def build(self) -> Router:
        return Router(self.config, self.endpoint(), self.wheel, OriginPolicy(self.config.origins))

    def endpoint(self):
        return EndpointTwin(self)

    def server_options(self) -> dict:
        return {"max_body_size": self.router.max_body_bytes}

    def say(self, *texts: str) -> None:
        batch = Batch(tuple(text.encode() for text in texts))
        self.run(lambda: self.sessions()[-1].send(batch))

    def end(self, code: CloseCode = CloseCode.GOING_AWAY) -> None:
        tab = self.sessions()[-1].conn
        self.run(lambda: self.router.endpoint.close(tab.connection, code))

    def broadcast(self, *texts: str, after: Callable[[], object]) -> None:
        def act():
            after()
            for text in texts:
                batch = Batch((text.encode(),))
                for connection in self.participants:
                    connection.transport.send(batch)

        self.run(act)

    def end_newest(self, code: CloseCode = CloseCode.GOING_AWAY) -> None:
        self.run(lambda: self.router.endpoint.close(self.participants[-1], code))

    def advance(self, seconds: float) -> None:
        def turn():
            self.now += seconds
            self.wheel.turn()

        self.run(turn)

    def forget_first(self) -> None:
        self.run(lambda: self.router.forget(self.sessions()[0]))
