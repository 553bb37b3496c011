"""A server that accepts WebSockets, on real sockets, with an echoing lifecycle behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sockgate_gateway.connections.connection import Connection
from sockgate_gateway.connections.states import State
from sockgate_gateway.errors import Disconnect
from sockgate_gateway.http.origins import OriginPolicy
from sockgate_gateway.http.pending import PendingConnections
from sockgate_gateway.http.plain_request import Request
from sockgate_gateway.http.proxies import ProxyPolicy
from sockgate_gateway.http.refusal_log import RefusalLog
from sockgate_gateway.http.responses import Answer
from sockgate_gateway.loop.acceptor import DescriptorLimit, PauseLog
from sockgate_gateway.loop.descriptors import browser_ceiling
from sockgate_gateway.server.http_server import Server
from sockgate_gateway.websocket.accept import WebSocketAcceptor
from sockgate_gateway.websocket.epoll import open_poller
from sockgate_gateway.websocket.fast_path import FastPath
from sockgate_gateway.websocket.transport import WebSocketContext
from sockgate_gateway.websocket.upgrade import UpgradeInterceptor
from sockgate_gateway.wire.closecodes import CloseCode
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from websockets.asyncio.client import connect

from tests.unit.gateway.fakes import Clock

FRIEND = "https://friend.example"
BOTH = ("websocket", "rawwebsocket")
SOCKJS_PATH = "/rt/000/abc/websocket"
RAW_PATH = "/rt/websocket"


def answer_early(request: Request, client: object) -> Answer | None:
    """Answer this path, and end the connection."""
    response = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    return Answer(response, is_last=True) if request.target == "/early" else None


class EchoLifecycle:
    """A lifecycle that sends back each frame."""

    is_busy = False

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.is_full = False

    def open(self, transport, address: str) -> Connection:
        if self.is_full:
            raise Disconnect(CloseCode.OVERLOADED)
        self.connections.append(Connection("id", transport, address, 0))
        return self.connections[-1]

    def allow_frames(self, connection: Connection) -> bool:
        return True

    def receive(self, connection: Connection, text: str) -> None:
        connection.send_now(text.encode())

    def transport_closed(self, connection: Connection, code: int = 1006, cause: str = "") -> None:
        if connection.state is not State.CLOSED:
            connection.release()

    def close(self, connection: Connection, code: CloseCode, cause: str = "") -> None:
        transport = connection.transport
        self.transport_closed(connection, code)
        transport.close(code)


class Page(RequestHandler):
    """A request that is not for a WebSocket."""

    def get(self) -> None:
        self.finish(f"{self.request.remote_ip} {self.request.protocol}")

    def post(self) -> None:
        self.finish(self.request.body)


class Gateway:
    """A server on a free port.

    Args:
        uses_fast_path: whether the fast path precedes Tornado.
        transports: those that are offered.
        trusted: trusted proxies.
        per_address: how many connections of one address may be pending.
    """

    def __init__(
        self,
        *,
        uses_fast_path: bool,
        transports: tuple[str, ...] = BOTH,
        trusted: tuple[str, ...] = (),
        per_address: int = 99,
    ) -> None:
        self.clock, self.lifecycle = Clock(), EchoLifecycle()
        proxies = ProxyPolicy(trusted)
        acceptor = WebSocketAcceptor(
            self._context(),
            prefix="/rt",
            transports=transports,
            origins=OriginPolicy([FRIEND]),
            proxies=proxies,
            refusals=RefusalLog([FRIEND], "/rt"),
        )
        self.pending = PendingConnections(proxies, total=99, per_address=per_address)
        self.server = Server(
            UpgradeInterceptor(
                Application([(r"/page", Page)], log_function=lambda handler: None),
                acceptor,
                lambda request, client: None,
            ),
            DescriptorLimit(
                browser_ceiling(), self.pending.evict_oldest, PauseLog(self.clock.read)
            ),
            self.pending,
            10_000,
            FastPath(acceptor, self.pending, answer_early) if uses_fast_path else None,
            idle_connection_timeout=30,
        )
        sockets = bind_sockets(0, "127.0.0.1")
        self.server.add_sockets(sockets)
        self.port = sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.server.stop()
        await self.server.close_all_connections()
        for connection in self.lifecycle.connections:
            with suppress(AttributeError):
                connection.transport._stream.close()

    def count_tornado_connections(self) -> int:
        return len(self.server._connections)

    def connect(self, path: str = RAW_PATH, **options) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}{path}", proxy=None, compression=None, **options)

    async def request(self, data: bytes) -> bytes:
        """Send bytes, and read until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        response = await reader.read()
        writer.close()
        await writer.wait_closed()
        return response

    @asynccontextmanager
    async def dial(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Open a connection without sending anything."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _context(self) -> WebSocketContext:
        return WebSocketContext(
            lifecycle=self.lifecycle,
            wheel=self.clock.wheel,
            poller=open_poller(asyncio.get_running_loop()),
            heartbeat_s=25,
            max_message_bytes=10_000,
            max_outbox_bytes=10**6,
            take_over=lambda *_: None,
        )


def handshake(path: str = RAW_PATH, *headers: str) -> bytes:
    """Return the bytes of a plain handshake."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"
