"""How a worker notices changes of its Redis: one server, Sentinels, a cluster."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.cluster import RedisCluster
from redis.exceptions import MaxConnectionsError
from sockgate_gateway.broker import pubsub as subscriber_module
from sockgate_gateway.broker.history import RedisHistory
from sockgate_gateway.broker.presence import RedisPresence
from sockgate_gateway.broker.servers.opening import open_servers
from sockgate_gateway.broker.sessions import RedisSessionReader
from sockgate_gateway.channels.history import HistoryRequest
from sockgate_gateway.channels.presence_store import Change
from sockgate_gateway.errors import BrokerUnavailable
from sockgate_gateway.wire.inspection import WorkerName
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.records import SessionRecord, UserRecord

from tests.integration.clusters import SLOTS, Cluster, cluster
from tests.integration.sentinels import watched
from tests.waiting import until

pytestmark = pytest.mark.integration

NAMES = Names()
PROBE = NAMES.probe("worker").encode()
MANY = 40


@pytest.fixture
def redis(nodes: Cluster) -> Iterator[RedisCluster]:
    with nodes.emptied() as client:
        yield client


@asynccontextmanager
async def opened(url: str) -> AsyncIterator:
    servers = open_servers(url)
    try:
        await servers.client.initialize()
        yield servers
    finally:
        await servers.close()


async def test_server_that_becomes_a_replica_closes_the_link(bench, monkeypatch):
    monkeypatch.setattr(subscriber_module, "PROBE_INTERVAL_S", 0.1)
    async with bench() as broker:
        await broker.django.replicaof("127.0.0.1", "1")
        try:
            await until(lambda: broker.listener.lost)
            assert not broker.is_live
        finally:
            await broker.django.replicaof("NO", "ONE")
        await until(lambda: broker.is_live)
        assert broker.listener.restored == 2


async def test_node_whose_publications_do_not_arrive_closes_the_link(bench, monkeypatch):
    monkeypatch.setattr(subscriber_module, "PROBE_INTERVAL_S", 0.1)
    monkeypatch.setattr(subscriber_module, "PROBE_TIMEOUT_S", 0.4)
    async with bench() as broker:
        real_probe = broker.servers.probe

        async def probe_with_a_silent_node(link, channel: bytes) -> frozenset[bytes]:
            return await real_probe(link, channel) | {b"the other node"}

        monkeypatch.setattr(broker.servers, "probe", probe_with_a_silent_node)
        await until(lambda: broker.listener.lost)
        monkeypatch.setattr(broker.servers, "probe", real_probe)
        await until(lambda: broker.is_live)


async def test_sentinels_that_are_down_keep_the_link(tmp_path: Path):
    with watched(tmp_path) as service:
        async with opened(service.url) as servers:
            link = await servers.open_link()
            await servers.client.ping()
            service.kill_sentinels()
            await servers.client.connection_pool.disconnect()
            assert await servers.probe(link, PROBE) == {b""}
            await servers.close_link(link)


async def test_link_to_a_former_master_fails_its_probe(tmp_path: Path):
    with watched(tmp_path) as service:
        async with opened(service.url) as servers:
            link = await servers.open_link()
            await servers.client.set("key", "before")
            await asyncio.to_thread(service.fail_over)
            with pytest.raises(BrokerUnavailable):
                await servers.probe(link, PROBE)
            await servers.close_link(link)
            await servers.client.set("key", "after")
            with service.master() as master:
                assert master.get("key") == b"after"


async def test_every_primary_is_probed(nodes, redis):
    async with opened(nodes.url) as servers:
        link = await servers.open_link()
        assert len(await servers.probe(link, PROBE)) == len(SLOTS)
        for node in servers.client.get_nodes():
            node.max_connections, node._free = 0, deque()
        with pytest.raises(MaxConnectionsError):  # No primary has failed.
            await servers.probe(link, PROBE)
        await servers.close_link(link)


async def test_logins_of_many_slots_are_read_in_their_order(nodes, redis):
    for number in range(MANY):
        uid = str(number)
        redis.hset(NAMES.session(f"sid-{uid}"), mapping=SessionRecord(uid, "a").to_hash())
        redis.hset(NAMES.user(uid), mapping=UserRecord(f"a{uid}").to_hash())
    redis.set(NAMES.user("3"), "made by hand")
    async with opened(nodes.url) as servers:
        reader = RedisSessionReader(servers, NAMES)
        claims = [(f"sid-{number}", str(number)) for number in range(MANY)]
        logins = await reader.read_many([*claims, ("sid-0", None), ("none", "none")])
    assert [login.session and login.session.user for login in logins] == [
        *(str(number) for number in range(MANY)),
        "0",
        None,
    ]
    auths = [login.user and login.user.auth for login in logins[:MANY]]
    assert auths == [None if number == 3 else f"a{number}" for number in range(MANY)]


async def test_histories_of_many_slots_are_read_also_where_the_script_is_unknown(nodes, redis):
    requests = [HistoryRequest(f"room:{number}") for number in range(MANY)]
    positions = [(f"e{number}", number) for number in range(MANY)]
    for request, (epoch, offset) in zip(requests, positions, strict=True):
        redis.hset(NAMES.offset(request.channel), mapping={"epoch": epoch, "offset": offset})
    async with opened(nodes.url) as servers:
        history = RedisHistory(
            servers, NAMES, max_publications=10, max_bytes=1000, max_publication_bytes=1000
        )
        first = await history.read_many(requests)
        for place in range(len(SLOTS)):
            with nodes.node(place) as node:
                node.script_flush()
        again = await history.read_many(requests)
    assert [reply.position for reply in first] == positions
    assert first == again


async def test_presence_is_counted_on_a_cluster(nodes, redis):
    async with opened(nodes.url) as servers:
        presence, other = (
            RedisPresence(servers.client, NAMES, WorkerName(name)) for name in ("one", "other")
        )
        await presence.beat(0)
        changes = [Change(f"room:{n}", "7", 1, has_notices=bool(n % 2)) for n in range(MANY)]
        await presence.write(changes)
        found = [await other.read_others(f"room:{n}") for n in range(MANY)]
        assert all(present.users == {"7": 1} for present in found)
        await presence.remove_worker()


async def test_cluster_that_is_down_is_unavailable(tmp_path: Path):
    with cluster(tmp_path) as nodes:
        async with opened(nodes.url) as servers:
            reader = RedisSessionReader(servers, NAMES)
            nodes.stop()
            with pytest.raises(BrokerUnavailable):
                await reader.read_many([("sid", "7")])
