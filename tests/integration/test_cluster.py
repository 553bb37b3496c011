"""A gateway on a cluster: it receives from every node, and follows a change of the nodes."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.cluster import RedisCluster
from sockgate.publishing.publisher import Publisher
from sockgate_gateway.wire.contract import Position

from tests.integration.clusters import SLOTS, Cluster, cluster
from tests.integration.gatewayprocess import (
    NAMES,
    Django,
    Gateway,
    receive_frame,
    receive_publication,
    receive_until,
    show,
)

pytestmark = pytest.mark.integration

CHANNEL = "user:7"
OPEN = """{
    "open": {"public": true},
    "price": {"public": true, "state": "latest"},
    "chat": {"public": true, "publish": "subscribers"},
    "hall": {"public": true, "presence": true, "join_leave": true}
}"""


@pytest.fixture
def redis(nodes: Cluster) -> Iterator[RedisCluster]:
    with nodes.emptied() as client:
        yield client


@pytest.fixture
def gateway(nodes: Cluster, redis: RedisCluster, tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(nodes.url, tmp_path / "gateway.log", namespaces=OPEN).start()
    yield gateway
    gateway.stop()


def publish(redis: RedisCluster, number: int, channel: str = CHANNEL) -> None:
    Publisher(redis).publish_to(channel, "n", number, sequenced=True)


async def test_logins_of_all_nodes_are_read(gateway, redis):
    for number in range(12):
        token = Django(redis).log_in(f"sid-{number}", f"u{number}")
        async with gateway.welcomed(token):
            continue


async def test_publications_of_every_node_are_received(gateway, redis, nodes):
    token = Django(redis).log_in("sid")
    async with gateway.welcomed(token) as browser:
        for place in range(len(SLOTS)):
            with nodes.node(place) as node:
                Django(node).publish(CHANNEL, place)
                assert await receive_publication(browser) == (CHANNEL, place)


async def test_publication_of_a_browser_is_accepted_by_every_node(gateway, redis, nodes):
    channels = [f"chat:{number}" for number in range(12)]
    assert {nodes.place_of(NAMES.history(channel)) for channel in channels} == {0, 1, 2}
    async with gateway.welcomed(Django(redis).log_in("sid")) as browser:
        for channel in channels:
            await subscribe(browser, channel)
            said = {"channel": channel, "event": "client-said", "data": channel}
            await browser.send(json.dumps({"type": "publish", **said}))
            while (frame := await receive_frame(browser)).get("type") != "published":
                pass
            assert frame == {"type": "published", "channel": channel, "offset": 1}
            names = redis.keys(NAMES.published(channel, "*"), target_nodes=RedisCluster.PRIMARIES)
            assert len(names) == 1  # Its client tries twice.


async def test_joins_and_leaves_are_sent_on_channels_of_every_node(gateway, redis, nodes):
    channels = [f"hall:{number}" for number in range(12)]
    assert {nodes.place_of(NAMES.presence(channel, "w")) for channel in channels} == {0, 1, 2}
    alice, bob = (Django(redis).log_in(f"sid-{uid}", uid) for uid in ("1", "2"))
    async with gateway.welcomed(alice) as watcher:
        for channel in channels:
            await subscribe(watcher, channel)
            await receive_until(watcher, type="join", channel=channel, user="1")
        for channel in channels:
            async with gateway.welcomed(bob) as browser:
                await subscribe(browser, channel)
                await receive_until(watcher, type="join", channel=channel, user="2")
                await watcher.send(json.dumps({"type": "presence", "channel": channel}))
                here = await receive_until(watcher, type="presence", channel=channel)
                assert here["users"] == {"1": 1, "2": 1}
            await receive_until(watcher, type="leave", channel=channel, user="2")


async def test_channels_of_every_node_are_recovered(gateway, redis, nodes):
    token = Django(redis).log_in("sid")
    channels = [f"open:{number}" for number in range(12)]
    assert {nodes.place_of(NAMES.history(channel)) for channel in channels} == {0, 1, 2}
    for channel in channels:
        publish(redis, 1, channel)
    since: dict[str, Position] = {}
    async with gateway.welcomed(token) as browser:
        for channel in channels:
            answer = await subscribe(browser, channel)
            since[channel] = answer["epoch"], answer["offset"]
    for channel in channels:
        publish(redis, 2, channel)
    async with gateway.welcomed(token) as browser:
        for channel in channels:
            assert (await subscribe(browser, channel, since[channel]))["recovered"] is True
            assert (await receive_frame(browser))["data"]["data"] == 2


async def subscribe(browser, channel: str, since: Position | None = None) -> dict:
    recover = {} if since is None else {"recover": since}
    await browser.send(json.dumps({"type": "subscribe", "channel": channel, **recover}))
    return await receive_until(browser, type="subscribed", channel=channel)


async def test_newcomers_receive_the_state_of_channels_of_every_node(gateway, redis, nodes):
    channels = [f"price:{number}" for number in range(12)]
    assert {nodes.place_of(NAMES.history(channel)) for channel in channels} == {0, 1, 2}
    for number, channel in enumerate(channels):
        publish(redis, 10 + number, channel)
        publish(redis, 20 + number, channel)
    async with gateway.welcomed(Django(redis).log_in("sid")) as browser:
        for number, channel in enumerate(channels):
            subscribed = await subscribe(browser, channel)
            assert (subscribed["offset"], subscribed["state"]) == (1, "latest")
            received = await receive_frame(browser)
            assert (received["data"]["data"], received["offset"]) == (20 + number, 2)


async def test_channel_continues_when_its_slot_moves(gateway, redis, nodes):
    token = Django(redis).log_in("sid")
    async with gateway.subscribed(CHANNEL, token) as (browser, epoch):
        publish(redis, 1)
        await receive_until(browser, channel=CHANNEL, offset=1)
        key = NAMES.history(CHANNEL)
        to = (nodes.place_of(key) + 1) % len(SLOTS)
        await asyncio.to_thread(nodes.move, key, to)
        assert nodes.place_of(key) == to
        publish(redis, 2)
        assert await receive_frame(browser) == {
            "channel": CHANNEL,
            "data": {"event": "n", "data": 2},
            "offset": 2,
        }
        async with gateway.subscribed(CHANNEL, token) as (_, again):
            assert again == epoch


async def test_replaced_primary_is_a_gap(tmp_path):
    with cluster(tmp_path, replicas=1) as nodes, nodes.client() as redis:
        channel = next(
            name
            for name in (f"user:{number}" for number in range(100))
            if nodes.place_of(NAMES.history(name)) == 0
        )
        uid = channel.partition(":")[2]
        gateway = Gateway(nodes.url, tmp_path / "gateway.log").start()
        try:
            token = Django(redis).log_in("sid", uid)
            async with gateway.connect() as browser:
                await show(browser, token)
                epoch = (await receive_frame(browser))["channels"][channel]["epoch"]
                await asyncio.to_thread(nodes.kill, 0)
                gap = await receive_until(browser, type="gap", channel=channel)
                assert gap["epoch"] != epoch
                await gateway.until_ready()
                publish(redis, 1, channel)
                await receive_until(browser, channel=channel, offset=gap["offset"] + 1)
        finally:
            gateway.stop()
