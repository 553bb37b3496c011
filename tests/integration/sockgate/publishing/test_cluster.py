"""Sequenced publishing on a Redis Cluster of three nodes, and behind a Sentinel."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from redis.cluster import RedisCluster
from redis.exceptions import RedisError
from sockgate.publishing.publisher import Publisher
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import Namespaces, Policy
from sockgate_gateway.wire.publication import read_publication

from tests.integration.clusters import Cluster
from tests.integration.sentinels import SERVICE, watched
from tests.ports import HOST, free_port

pytestmark = pytest.mark.integration

NAMES = Names()
POLICIES = Namespaces({"room": Policy(history=10), "user": Policy(history=10)})
CHANNELS = [f"room:{number}" for number in range(12)]
PATIENCE_S = 30


@pytest.fixture
def cluster(nodes: Cluster) -> Iterator[RedisCluster]:
    with nodes.emptied() as client:
        yield client


@pytest.fixture
def publisher(cluster: RedisCluster) -> Publisher:
    return Publisher(cluster, namespaces=POLICIES)


def test_cluster_sequences_on_every_node(cluster: RedisCluster, publisher: Publisher) -> None:
    for number in range(3):
        for channel in CHANNELS:
            publisher.publish_to(channel, "news", number)
    nodes = {str(cluster.get_node_from_key(NAMES.history(channel))) for channel in CHANNELS}
    assert len(nodes) == 3
    for channel in CHANNELS:
        entries: Any = cluster.lrange(NAMES.history(channel), 0, -1)
        assert [entry.split()[0] for entry in entries] == [b"1", b"2", b"3"]


def test_cluster_with_an_idempotency_key_publishes_once(publisher: Publisher) -> None:
    for _ in range(2):
        for channel in CHANNELS:
            publisher.publish_to(channel, "news", idempotency_key="order-9")
    places = [publisher.position(channel) for channel in CHANNELS]
    assert [place and place[1] for place in places] == [1] * len(CHANNELS)


def test_cluster_publishes_many(publisher: Publisher) -> None:
    publisher.publish_many(range(12), "news")
    places = [publisher.position(f"user:{pk}") for pk in range(12)]
    assert [place and place[1] for place in places] == [1] * 12


def test_cluster_reaches_subscribers_of_any_node(
    cluster: RedisCluster, publisher: Publisher
) -> None:
    for node in cluster.get_primaries():
        channel = f"room:{node.port}"  # What was published elsewhere is still on its way.
        with cluster.get_redis_connection(node).pubsub() as pubsub:
            pubsub.subscribe(NAMES.channel(channel))
            assert pubsub.get_message(timeout=PATIENCE_S)
            message = publish_until_received(publisher, channel, pubsub)
            found = read_publication(message["data"])
            assert (found.epoch, found.offset) == publisher.position(channel)


def publish_until_received(publisher: Publisher, channel: str, pubsub: Any) -> Any:
    """Publish until it is received: nodes forward a publication only while they are linked."""
    deadline = monotonic() + PATIENCE_S
    while monotonic() < deadline:
        publisher.publish_to(channel, "news")
        message = pubsub.get_message(timeout=1)
        if message is not None:
            return message
    raise AssertionError("no node passed it on")


def test_sentinel_names_the_master_that_publishes(tmp_path: Path) -> None:
    with watched(tmp_path, replicas=0) as service, service.master() as redis:
        master = service.sentinel().master_for(SERVICE)
        Publisher(master, namespaces=POLICIES).publish_to("room:7", "news")
        assert redis.llen(NAMES.history("room:7")) == 1


def test_cluster_that_is_down_raises_a_redis_error() -> None:
    with pytest.raises(RedisError):
        Publisher(f"redis+cluster://{HOST}:{free_port()}")
