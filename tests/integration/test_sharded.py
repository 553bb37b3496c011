"""Gateways on a cluster with ``?pubsub=both`` and ``?pubsub=sharded``: every way of publishing."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from redis.cluster import RedisCluster
from redis.exceptions import RedisError
from sockgate.publishing.publisher import Publisher
from sockgate_gateway.wire.addresses import PubSub

from tests.integration.clusters import SLOTS, Cluster, cluster
from tests.integration.gatewayprocess import (
    KEY,
    NAMES,
    Django,
    Gateway,
    receive_frame,
    receive_until,
    show,
)
from tests.integration.requests import request
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

NAMESPACES = """{
    "open": {"public": true},
    "chat": {"public": true, "publish": "subscribers"},
    "hall": {"public": true, "presence": true, "join_leave": true}
}"""
DOCUMENT = Path(__file__).parents[2] / "docs" / "redis.md"
UIDS = tuple(str(number) for number in range(6))
MANY = 200


def url_of(nodes: Cluster, pubsub: str) -> str:
    return f"{nodes.url}?pubsub={pubsub}"


@pytest.fixture
def redis(nodes: Cluster) -> Iterator[RedisCluster]:
    with nodes.emptied() as client:
        yield client


@pytest.fixture(scope="module", params=["classic", "both", "sharded"])
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def gateway(nodes: Cluster, mode: str, tmp_path_factory) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("sharded") / "log"
    gateway = Gateway(url_of(nodes, mode), log, namespaces=NAMESPACES).start()
    yield gateway
    gateway.stop()


@pytest.fixture(params=["classic", "both", "sharded"])
def publisher(nodes: Cluster, mode: str, request) -> Iterator[Publisher]:
    if (mode, request.param) == ("classic", "sharded"):
        pytest.skip("two steps at once: nobody listens")
    with closing(Publisher(url_of(nodes, request.param), signing_keys=[KEY])) as publisher:
        yield publisher


async def test_everything_published_one_step_apart_is_received(gateway, redis, nodes, publisher):
    is_classic = publisher._names.pubsub is not PubSub.SHARDED
    assert {nodes.place_of(NAMES.history(f"user:{uid}")) for uid in UIDS} == set(range(len(SLOTS)))
    for uid in UIDS:
        token = Django(redis).log_in(f"sid-{uid}", uid)
        async with gateway.welcomed(token) as browser:
            counts = [
                publisher.publish(uid, "plain", 1, sequenced=False),
                publisher.publish(uid, "kept", 2, sequenced=True),
                publisher.publish_many([uid], "many", 3),
            ]
            assert is_classic or counts == [1, 1, 1]  # PUBLISH counts one node of the cluster.
            publisher.broadcast("all", 4)
            events = [(await receive_frame(browser))["data"]["event"] for _ in range(4)]
            assert sorted(events) == ["all", "kept", "many", "plain"]
            publisher.touch(f"user:{uid}")
            assert (await receive_frame(browser))["data"]["event"] == "touch"
            publisher.publish_html(f"user:{uid}", "list", "<b>x</b>")
            assert (await receive_frame(browser))["data"]["event"] == "sockgate:html"


async def test_browsers_publish_and_join(gateway, redis):
    alice, bob = (Django(redis).log_in(f"sid-{uid}", uid) for uid in ("1", "2"))
    async with gateway.welcomed(alice) as one, gateway.welcomed(bob) as two:
        await request(one, "subscribe", channel="hall:1")
        await request(two, "subscribe", channel="hall:1")
        await receive_until(one, type="join", user="2")
        for browser in (one, two):
            await request(browser, "subscribe", channel="chat:1")
        said = {"channel": "chat:1", "event": "client-said", "data": "hello"}
        await one.send(json.dumps({"type": "publish", **said}))
        assert (await receive_until(two, channel="chat:1", offset=1))["data"]["data"] == "hello"


async def test_client_of_a_cluster_is_told_the_way(redis, nodes, tmp_path):
    with pytest.raises(ValueError, match="nothing"):
        Publisher(redis, pubsub="nothing")
    gateway = Gateway(url_of(nodes, "sharded"), tmp_path / "log").start()
    try:
        async with gateway.welcomed(Django(redis).log_in("sid")) as browser:
            assert Publisher(redis, pubsub="sharded").publish(7, "n", 1) == 1
            assert (await receive_frame(browser))["data"]["data"] == 1
            assert gateway.metric("sockgate_classic_publications_total") == 0
            assert Publisher(redis).publish(7, "n", 2) in (0, 1)  # Those at that node.
            assert (await receive_frame(browser))["data"]["data"] == 2
            assert gateway.metric("sockgate_classic_publications_total") == 1
    finally:
        gateway.stop()


def publish(publisher: Publisher, number: int) -> bool:
    """Publish once, as often as that is tried; a half moved slot refuses for a while."""
    try:
        publisher.publish(7, "n", number, idempotency_key=str(number))
    except RedisError:
        return False
    return True


@pytest.fixture(scope="module")
def durable(tmp_path_factory) -> Iterator[Cluster]:
    """Nodes with an append-only file, so that a slot that moves begins no epoch."""
    with cluster(tmp_path_factory.mktemp("durable"), appendonly="yes") as nodes:
        yield nodes


@pytest.mark.parametrize("language", ["console", "python"])
async def test_lines_of_the_document_publish(redis, nodes, tmp_path, language):
    section = DOCUMENT.read_text().partition("### Other programs")[2].partition("\n## ")[0]
    [block] = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    text = block.replace("6379", str(nodes.servers[0]._desired_port)).removeprefix("$ ")
    command = ["sh", "-c", text] if language == "console" else [sys.executable, "-c", text]
    gateway = Gateway(url_of(nodes, "sharded"), tmp_path / "log").start()
    try:
        async with gateway.welcomed(Django(redis).log_in("sid", "1")) as browser:
            await asyncio.to_thread(subprocess.run, command, check=True, timeout=60)
            assert (await receive_frame(browser))["data"]["data"] == {"title": "Sharded"}
            assert gateway.metric("sockgate_classic_publications_total") == 0
    finally:
        gateway.stop()


async def test_sequence_is_complete_while_its_slot_moves_again_and_again(durable, tmp_path):
    nodes, redis = durable, durable.client()
    gateway = Gateway(url_of(nodes, "sharded"), tmp_path / "log").start()
    key = NAMES.history("user:7")

    def move_about() -> None:
        for _ in range(4):
            nodes.move(key, (nodes.place_of(key) + 1) % len(SLOTS))

    def publish_many() -> None:
        with closing(Publisher(url_of(nodes, "sharded"))) as publisher:
            for number in range(1, MANY + 1):
                wait_until(lambda number=number: publish(publisher, number))

    try:
        async with gateway.welcomed(Django(redis).log_in("sid")) as browser:
            await asyncio.gather(asyncio.to_thread(move_about), asyncio.to_thread(publish_many))
            found: list[int] = []
            while found[-1:] != [MANY]:
                frame = await receive_frame(browser)
                if "offset" in frame and "data" in frame:
                    found.append(frame["data"]["data"])
        assert found == list(range(1, MANY + 1))
        since_ready = gateway.log.read_text().partition("event=link_up")[2]
        assert "event=slots_moved" in since_ready
        assert "event=link_lost" not in since_ready
    finally:
        gateway.stop()


async def test_plain_publications_that_a_move_may_have_lost_are_a_gap(redis, nodes, tmp_path):
    gateway = Gateway(url_of(nodes, "sharded"), tmp_path / "log").start()
    key = NAMES.history("user:7")
    try:
        async with gateway.welcomed(Django(redis).log_in("sid")) as browser:
            await asyncio.to_thread(nodes.move, key, (nodes.place_of(key) + 1) % len(SLOTS))
            await receive_until(browser, type="gap", channel="user:7")
            with closing(Publisher(url_of(nodes, "sharded"))) as publisher:
                assert publisher.publish(7, "n", 1) == 1
            assert (await receive_until(browser, channel="user:7"))["data"]["data"] == 1
    finally:
        gateway.stop()


async def test_replaced_primary_is_a_gap_and_its_channels_go_on(tmp_path: Path):
    with cluster(tmp_path, replicas=1) as nodes, nodes.client() as redis:
        uid = next(
            uid for uid in map(str, range(100)) if nodes.place_of(NAMES.history(f"user:{uid}")) == 0
        )
        channel = f"user:{uid}"
        gateway = Gateway(url_of(nodes, "sharded"), tmp_path / "gateway.log").start()
        try:
            async with gateway.connect() as browser:
                await show(browser, Django(redis).log_in("sid", uid))
                epoch = (await receive_frame(browser))["channels"][channel]["epoch"]
                await asyncio.to_thread(nodes.kill, 0)
                gap = await receive_until(browser, type="gap", channel=channel)
                await gateway.until_ready()
                with closing(Publisher(url_of(nodes, "sharded"))) as publisher:
                    publisher.publish(uid, "n", 1, sequenced=True)
                assert (await receive_until(browser, channel=channel, offset=1))["data"]
                assert gap["epoch"] != epoch
        finally:
            gateway.stop()
