"""Who is let in, who is refused, who is passed on: with real sockets and Tornado behind them.

Each test runs on both ways: Tornado's alone, and with the shortcut before it.
"""

import asyncio
import json
import socket
import struct
from contextlib import asynccontextmanager, suppress

import pytest
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.connection import Connection, State
from gateway.errors import Refused
from gateway.listeners import Server
from gateway.lobby import Lobby, Usher
from gateway.origins import OriginPolicy
from gateway.proxies import ProxyPolicy
from gateway.websocket.door import Door
from gateway.websocket.poll import open_poll
from gateway.websocket.reception import Reception
from gateway.websocket.shortcut import Shortcut
from gateway.websocket.transport import Surroundings
from gateway.wire.closecodes import CloseCode
from tests.unit.gateway.fakes import Clock
from tests.waiting import turn_loop, until

FRIEND = "https://friend.example"
BOTH = ("websocket", "rawwebsocket")
SOCKJS_PATH = "/rt/000/abc/websocket"
RAW_PATH = "/rt/websocket"


class Echo:
    """An endpoint that gives back what it is given."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.is_full = False

    def opened(self, transport, address: str) -> Connection:
        if self.is_full:
            raise Refused(CloseCode.OVERLOADED)
        self.connections.append(Connection("id", transport, address, 0))
        return self.connections[-1]

    def admits(self, connection: Connection) -> bool:
        return True

    def received(self, connection: Connection, text: str) -> None:
        connection.send(text.encode())

    def closed(self, connection: Connection, code: int = 1006) -> None:
        if connection.state is not State.CLOSED:
            connection.enter(State.CLOSED)

    def close(self, connection: Connection, code: CloseCode, cause: str = "") -> None:
        self.closed(connection, code)
        connection.transport.close(code)


class Page(RequestHandler):
    """What is no WebSocket."""

    def get(self) -> None:
        self.finish(f"{self.request.remote_ip} {self.request.protocol}")

    def post(self) -> None:
        self.finish(self.request.body)


class House:
    """A door that is open, on a free port."""

    def __init__(self, echo: Echo, port: int, server: Server, lobby: Lobby, clock: Clock) -> None:
        self.echo = echo
        self.port = port
        self.server = server
        self.lobby = lobby
        self.clock = clock

    def tornados(self) -> int:
        """Count the connections that Tornado has."""
        return len(self.server._connections)

    def connect(self, path: str = RAW_PATH, **options) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}{path}", proxy=None, compression=None, **options)

    async def ask(self, request: bytes) -> bytes:
        """Send bytes, and read until the server ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


@pytest.fixture(params=["door", "shortcut"])
def open_house(request):
    """Let WebSockets come in by the door alone, or by the shortcut where they may."""

    @asynccontextmanager
    async def open_house(transports=BOTH, trusted=(), per_address=99):
        clock, echo = Clock(), Echo()
        shared = Surroundings(
            echo, clock.wheel, open_poll(asyncio.get_running_loop()), 25, 10_000, 10**6
        )
        application = Application([(r"/page", Page)], log_function=lambda handler: None)
        origins, proxies = OriginPolicy([FRIEND]), ProxyPolicy(trusted)
        reception = Reception(shared, "/rt", transports, origins, proxies)
        lobby = Lobby(99, per_address, proxies)
        usher = Usher(Door(application, reception), lobby, asyncio.get_running_loop().call_soon)
        server = Server(usher, idle_connection_timeout=30)
        if request.param == "shortcut":
            server.shortcut = Shortcut(reception, lobby)
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        try:
            yield House(echo, sockets[0].getsockname()[1], server, lobby, clock)
        finally:
            server.stop()
            await server.close_all_connections()
            for connection in echo.connections:
                with suppress(AttributeError):
                    connection.transport._link.close()

    return open_house


def upgrade(path: str = RAW_PATH, *headers: str) -> bytes:
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


async def test_raw_websocket_is_let_in(open_house):
    async with open_house() as house, house.connect() as browser:
        await browser.send("hello")
        assert await browser.recv() == "hello"


async def test_sockjs_websocket_is_let_in(open_house):
    async with open_house() as house, house.connect(SOCKJS_PATH) as browser:
        assert await browser.recv() == "o"
        await browser.send(json.dumps(["hello"]))
        assert await browser.recv() == 'a["hello"]'


async def test_query_does_not_hide_the_path(open_house):
    async with open_house() as house, house.connect(RAW_PATH + "?t=1") as browser:
        await browser.send("hello")
        assert await browser.recv() == "hello"


async def test_close_ends_with_code_and_reason(open_house):
    async with open_house() as house, house.connect() as browser:
        house.echo.close(house.echo.connections[0], CloseCode.SESSION_ENDED)
        with pytest.raises(ConnectionClosed) as closed:
            await browser.recv()
        assert closed.value.rcvd.code == 4500
        assert closed.value.rcvd.reason == "session ended"


async def test_browser_that_leaves_is_noticed(open_house):
    async with open_house() as house:
        async with house.connect():
            pass
        await until(lambda: house.echo.connections[0].state is State.CLOSED)


@pytest.mark.parametrize("path", [RAW_PATH, SOCKJS_PATH])
@pytest.mark.parametrize("origin", ["https://foe.example", "null", FRIEND + ".foe.example"])
async def test_foreign_origin_is_refused(open_house, path, origin):
    async with open_house() as house:
        with pytest.raises(InvalidStatus) as refused:
            await house.connect(path, origin=origin)
        assert refused.value.response.status_code == 403
        assert house.echo.connections == []


async def test_own_page_and_friend_are_let_in(open_house):
    async with open_house() as house:
        for origin in (FRIEND, f"http://127.0.0.1:{house.port}"):
            async with house.connect(origin=origin):
                pass


async def test_full_worker_says_when_to_come_back(open_house):
    async with open_house() as house:
        house.echo.is_full = True
        with pytest.raises(InvalidStatus) as refused:
            await house.connect()
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"] == "5"


async def test_handshake_of_another_version_is_refused(open_house):
    async with open_house() as house:
        answer = await house.ask(upgrade().replace(b"Version: 13", b"Version: 8"))
        assert answer.startswith(b"HTTP/1.1 426 ")
        assert house.echo.connections == []


@pytest.mark.parametrize(
    "path",
    [
        "/rt/000/a.b/websocket",
        "/rt/000/websocket",
        "/rt/websocket/",
        "/rtx/websocket",
        f"/rt/000/{'x' * 129}/websocket",
    ],
)
async def test_upgrade_elsewhere_is_passed_on(open_house, path):
    async with open_house() as house:
        answer = await house.ask(upgrade(path).replace(b"Upgrade\r\n", b"close\r\n"))
        assert answer.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    ("transport", "path"), [("websocket", RAW_PATH), ("rawwebsocket", SOCKJS_PATH)]
)
async def test_websocket_that_is_not_offered_is_passed_on(open_house, transport, path):
    async with open_house(transports=(transport,)) as house:
        with pytest.raises(InvalidStatus) as refused:
            await house.connect(path)
        assert refused.value.response.status_code == 404


async def test_other_requests_are_passed_on_one_after_another(open_house):
    async with open_house() as house:
        answer = await house.ask(
            b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n"
            b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
        )
        assert answer.count(b"HTTP/1.1 200 OK") == 2
        assert b"127.0.0.1 http" in answer
        assert answer.endswith(b"body")


async def test_trusted_proxy_names_the_browser(open_house):
    headers = ["X-Forwarded-For: 203.0.113.5", "X-Forwarded-Proto: https"]
    request = "\r\n".join(["GET /page HTTP/1.1", "Host: a", *headers, "Connection: close"])
    async with open_house(trusted=["127.0.0.1"]) as house:
        answer = await house.ask(request.encode() + b"\r\n\r\n")
        assert answer.endswith(b"203.0.113.5 https")
        async with house.connect(
            additional_headers={"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"},
            origin=f"https://127.0.0.1:{house.port}",
        ):
            assert house.echo.connections[-1].address == "203.0.113.5"


async def test_stranger_cannot_name_another_browser(open_house):
    forged = {"X-Forwarded-For": "203.0.113.5"}
    async with open_house() as house, house.connect(additional_headers=forged):
        assert house.echo.connections[-1].address == "127.0.0.1"


async def test_browser_that_leaves_with_its_handshake_is_forgotten(open_house, caplog):
    async with open_house() as house:
        for _ in range(20):
            sock = socket.create_connection(("127.0.0.1", house.port))
            await turn_loop(10)
            sock.sendall(upgrade())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        async with house.connect() as browser:
            await browser.ping()
        await until(lambda: all(c.state is State.CLOSED for c in house.echo.connections))
    assert "Uncaught" not in caplog.text


async def test_sockets_are_let_go(open_house):
    async with open_house() as house:
        before = len(asyncio.all_tasks())
        for _ in range(5):
            async with house.connect():
                pass
        await until(lambda: all(c.state is State.CLOSED for c in house.echo.connections))
        await until(lambda: len(asyncio.all_tasks()) <= before)


@asynccontextmanager
async def dialled(house):
    """Give a connection that has said nothing yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@pytest.mark.parametrize(
    "unusual",
    [
        pytest.param(lambda plain: plain, id="plain"),
        pytest.param(lambda plain: plain.replace(b"Host: ", b"Host:"), id="no space"),
        pytest.param(lambda plain: plain.replace(b"\r\n", b"\n"), id="bare LF"),
        pytest.param(lambda plain: b"\r\n" + plain, id="empty line before"),
        pytest.param(lambda plain: plain[:-2] + b"Cookie: a=\xe9\r\n\r\n", id="not ASCII"),
        pytest.param(lambda plain: plain[:-2] + b"Cookie: %b\r\n\r\n" % (b"x" * 5000), id="long"),
        pytest.param(lambda plain: plain[:-2] + b"A: a\r\nA: b\r\n\r\n", id="header twice"),
        pytest.param(lambda plain: plain[:-2] + b"Content-Length: 0\r\n\r\n", id="body"),
    ],
)
@pytest.mark.parametrize("pause", ["none", "before", "within"])
async def test_unusual_handshake_is_let_in_too(open_house, unusual, pause):
    request = unusual(upgrade())
    async with open_house() as house, dialled(house) as (reader, writer):
        if pause != "none":
            await until(lambda: len(house.lobby) == 1)
        if pause == "within":
            writer.write(request[:30])
            await until(house.tornados)
        writer.write(request[30:] if pause == "within" else request)
        assert await reader.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"
        await until(lambda: len(house.lobby) == 0)
        assert house.tornados() == 0


async def test_silent_connection_that_leaves_is_forgotten(open_house):
    async with open_house() as house:
        async with dialled(house):
            await until(lambda: len(house.lobby) == 1)
        await until(lambda: len(house.lobby) == 0)
        assert house.tornados() == 0


async def test_longest_silent_makes_room(open_house):
    async with (
        open_house(per_address=2) as house,
        dialled(house) as (first, _),
        dialled(house) as (_, second),
        dialled(house),
    ):
        assert await first.read() == b""
        second.write(upgrade())
        await until(lambda: len(house.echo.connections) == 1)
        assert len(house.lobby) == 1


async def test_silence_is_tornados_to_end(open_house):
    async with open_house() as house, dialled(house) as (reader, writer):
        await until(lambda: len(house.lobby) == 1)
        house.clock.advance(5)
        await until(lambda: house.tornados() and len(house.lobby) == 1)
        writer.write(upgrade())
        assert await reader.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"


async def test_silent_connection_is_served_after_the_last_was_accepted(open_house):
    async with open_house() as house, dialled(house) as (reader, writer):
        await until(lambda: len(house.lobby) == 1)
        house.server.stop()
        await until(house.tornados)
        writer.write(b"GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"127.0.0.1 http")
