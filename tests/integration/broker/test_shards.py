"""The links of a worker to the shards of a real cluster: ``?pubsub=sharded``."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest
from redis.cluster import RedisCluster
from sockgate_gateway.broker import shards as shards_module
from sockgate_gateway.broker.pubsub import Subscriber
from sockgate_gateway.broker.servers.opening import open_servers
from sockgate_gateway.broker.subscription_state import SubscriptionState
from sockgate_gateway.loop.timer_wheel import TimerWheel
from sockgate_gateway.wire.names import Names, names_at
from sockgate_gateway.wire.tenants import in_tenant

from tests.integration.broker.bench import RELEASE_S, TICK_S, WORKER, turn
from tests.integration.clusters import SLOTS, Cluster, cluster
from tests.unit.gateway.broker.behaviour import RecordingListener
from tests.waiting import until

pytestmark = pytest.mark.integration

AUTOMATIC = ("broadcast", "group:editors")
CHANNELS = tuple(f"user:{number}" for number in range(12))
SOON_S = 0.2


class ShardedWorker:
    """The subscriber of a worker on a cluster."""

    def __init__(self, url: str) -> None:
        self.names: Names = names_at(url)
        self.listener = RecordingListener()
        self.servers = open_servers(url, self.names)
        self.wheel = TimerWheel(monotonic, TICK_S)
        permanent = (self.names.control.encode(), self.names.probe(WORKER).encode())
        self.state = SubscriptionState(self.names, self.wheel, RELEASE_S, permanent)
        self.pubsub = Subscriber(self.servers, self.state, self.names, self.wheel, WORKER)

    async def subscribe(self, *channels: str) -> None:
        for channel in channels:
            self.state.subscribe(channel)
        async with asyncio.timeout(20):
            assert await self.pubsub.confirmed(channels) == {}

    async def all_confirmed(self, *channels: str) -> None:
        """Wait until they are, however often they cannot be."""
        async with asyncio.timeout(60):
            while await self.pubsub.confirmed(channels):
                await asyncio.sleep(0.02)  # Poll, as the reader of histories does.

    def received(self, channel: str) -> list[bytes]:
        key = self.names.channel(channel).encode()
        return [payload for name, payload in self.listener.received if name == key]


@asynccontextmanager
async def worker_on(nodes: Cluster, pubsub: str) -> AsyncIterator[ShardedWorker]:
    worker = ShardedWorker(f"{nodes.url}?pubsub={pubsub}")
    tasks = [
        asyncio.create_task(worker.pubsub.run(worker.listener, worker.listener)),
        asyncio.create_task(turn(worker.wheel)),
    ]
    try:
        await until(lambda: worker.pubsub.is_live)
        yield worker
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await worker.servers.close()


@pytest.fixture
def redis(nodes: Cluster) -> Iterator[RedisCluster]:
    with nodes.emptied() as client:
        yield client


def spublish(redis: RedisCluster, channel: str, payload: bytes) -> int:
    return redis.execute_command("SPUBLISH", f"rt:{channel}", payload)


def all_nodes_have(nodes: Cluster, channels: tuple[str, ...]) -> bool:
    return {nodes.place_of(f"rt:{channel}") for channel in channels} == set(range(len(SLOTS)))


@pytest.mark.parametrize("pubsub", ["both", "sharded"])
async def test_channels_of_all_shards_are_received_by_both_commands(nodes, redis, pubsub):
    assert all_nodes_have(nodes, CHANNELS)
    async with worker_on(nodes, pubsub) as worker:
        await worker.subscribe(*CHANNELS)
        for channel in CHANNELS:
            assert spublish(redis, channel, b"1") == 1
        await until(lambda: len(worker.listener.received) == len(CHANNELS))
        for channel in CHANNELS:
            redis.publish(f"rt:{channel}", b"2")
        await until(lambda: len(worker.listener.received) == 2 * len(CHANNELS))
        assert all(worker.received(channel) == [b"1", b"2"] for channel in CHANNELS)
        assert worker.pubsub.classic_publications == len(CHANNELS)


async def test_classic_gateway_has_no_sharded_subscription(nodes, redis):
    async with worker_on(nodes, "classic") as worker:
        await worker.subscribe(*CHANNELS)
        assert [spublish(redis, channel, b"1") for channel in CHANNELS] == [0] * len(CHANNELS)


async def test_broadcasts_and_groups_have_no_sharded_subscription(nodes, redis):
    channels = [*AUTOMATIC, *(in_tenant("acme", channel) for channel in AUTOMATIC)]
    async with worker_on(nodes, "sharded") as worker:
        await worker.subscribe(*channels, "user:1")
        names = [worker.names.channel(channel) for channel in channels]
        assert [redis.execute_command("SPUBLISH", name, b"1") for name in names] == [0] * 4
        for name in names:
            redis.publish(name, b"2")
        await until(lambda: len(worker.listener.received) == 4)
        assert worker.pubsub.classic_publications == 0


async def test_channel_of_a_tenant_is_sharded(nodes, redis):
    async with worker_on(nodes, "sharded") as worker:
        channel = in_tenant("acme", "room:1")
        await worker.subscribe(channel)
        assert redis.execute_command("SPUBLISH", worker.names.channel(channel), b"1") == 1


async def test_released_channel_is_unsubscribed_from_its_shard(nodes, redis):
    async with worker_on(nodes, "sharded") as worker:
        await worker.subscribe(*CHANNELS)
        worker.state.unsubscribe("user:1")
        await until(lambda: not spublish(redis, "user:1", b"1"))
        await worker.subscribe("user:1")
        assert spublish(redis, "user:1", b"2") == 1


async def test_plain_publication_on_a_channel_of_a_shard_is_logged(nodes, redis, caplog):
    async with worker_on(nodes, "sharded") as worker:
        await worker.subscribe("user:1")
        redis.publish("rt:user:1", b"1")
        await until(lambda: worker.listener.received)
    assert "event=classic_publication channel='rt:user:1'" in caplog.text


async def test_plain_publication_is_not_logged_while_publishers_are_switched(nodes, redis, caplog):
    async with worker_on(nodes, "both") as worker:
        await worker.subscribe("user:1")
        redis.publish("rt:user:1", b"1")
        await until(lambda: worker.pubsub.classic_publications)
    assert "classic_publication" not in caplog.text


async def test_channel_whose_slot_moves_is_followed_and_noted_as_lossy(nodes, redis):
    async with worker_on(nodes, "sharded") as worker:
        await worker.subscribe(*CHANNELS)
        origin = nodes.place_of("rt:user:1")
        for to in ((origin + 1) % len(SLOTS), origin):
            worker.listener.moved.clear()
            await asyncio.to_thread(nodes.move, "rt:user:1", to)
            await until(lambda: worker.listener.moved == [b"rt:user:1"])
            await worker.all_confirmed("user:1")
            with nodes.node(to) as node:
                assert node.execute_command("SPUBLISH", "rt:user:1", b"%d" % to) == 1
        await until(lambda: len(worker.received("user:1")) == 2)
        assert (worker.listener.lost, worker.listener.parts_lost) == (0, [])


async def test_slot_that_moved_before_its_first_channel_is_found(nodes, redis):
    async with worker_on(nodes, "sharded") as worker:
        origin = nodes.place_of("rt:user:1")
        for to in ((origin + 1) % len(SLOTS), origin):
            await asyncio.to_thread(nodes.move, "rt:user:1", to)
            worker.state.subscribe("user:1")
            await worker.all_confirmed("user:1")
            with nodes.node(to) as node:
                assert node.execute_command("SPUBLISH", "rt:user:1", b"1") == 1
            worker.state.unsubscribe("user:1")
            await until(lambda: worker.state.unconfirmed(["user:1"]))


async def test_lost_link_to_one_shard_loses_its_channels_alone(nodes, redis):
    async with worker_on(nodes, "sharded") as worker:
        await worker.subscribe(*CHANNELS)
        place = nodes.place_of("rt:user:1")
        own = {f"rt:{name}".encode() for name in CHANNELS if nodes.place_of(f"rt:{name}") == place}
        assert 0 < len(own) < len(CHANNELS)
        with nodes.node(place) as node:
            links = [one for one in node.client_list() if int(one["ssub"]) > 0]
            for link in links:
                node.client_kill_filter(_id=link["id"])
        await until(lambda: worker.listener.parts_lost)
        assert [keys for _, keys in worker.listener.parts_lost] == [own]
        await worker.all_confirmed(*CHANNELS)
        assert [spublish(redis, channel, b"1") for channel in CHANNELS] == [1] * len(CHANNELS)
        assert worker.listener.lost == 0


async def test_nobody_waits_for_a_link_that_was_closed(nodes, redis):
    """The worker's own link is lost, and a history is to be read before all is closed."""
    async with worker_on(nodes, "sharded") as worker:
        await worker.subscribe(*CHANNELS)
        shards = worker.pubsub._shards
        assert shards is not None
    async with asyncio.timeout(20):
        refused = await shards.unavailable([b"rt:user:1", b"rt:user:2"])
    assert sorted(refused) == [b"rt:user:1", b"rt:user:2"]


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Cluster]:
    """Nodes that these tests may freeze and kill; the others serve on without one of them."""
    with cluster(tmp_path, **{"cluster-require-full-coverage": "no"}) as nodes:
        yield nodes


async def test_frozen_primary_makes_its_channels_unavailable_alone(alone, monkeypatch, caplog):
    monkeypatch.setattr(shards_module, "PING_INTERVAL_S", 0.05)
    monkeypatch.setattr(shards_module, "PING_TIMEOUT_S", SOON_S)
    monkeypatch.setattr(shards_module, "LINK_TIMEOUT_S", SOON_S)
    async with worker_on(alone, "sharded") as worker:
        away = [name for name in CHANNELS if alone.place_of(f"rt:{name}") == 1]
        await worker.subscribe(*CHANNELS)
        pid = alone.servers[1]._process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await until(lambda: worker.pubsub.shard_problems)
            refused = await worker.pubsub.confirmed(CHANNELS)
            assert sorted(refused) == sorted(away)
            assert "it does not answer" in str(refused[away[0]])
            assert all(map(worker.pubsub.is_away, away))
        finally:
            os.kill(pid, signal.SIGCONT)
        await worker.all_confirmed(*CHANNELS)
        assert worker.pubsub.shard_problems == []
    assert "event=shard_lost" in caplog.text
