"""A gateway on a cluster: every node is heard, and what happens to one of them is told."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.cluster import RedisCluster

from djangoauth.publisher import Publisher
from gateway.wire.publication import Position

from .clusters import SLOTS, Cluster, cluster
from .gatewayprocess import NAMES, Django, Gateway, hear, hear_publication, show
from .test_failover import hear_until, listening, until_ready

pytestmark = pytest.mark.integration

CHANNEL = "user:7"
OPEN = """{
    "open": {"public": true},
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


async def test_publications_of_every_node_are_heard(gateway, redis, nodes):
    token = Django(redis).log_in("sid")
    async with gateway.welcomed(token) as browser:
        for place in range(len(SLOTS)):
            with nodes.node(place) as node:
                Django(node).publish(CHANNEL, place)
                assert await hear_publication(browser) == (CHANNEL, place)


async def test_what_a_browser_publishes_is_taken_by_every_node(gateway, redis, nodes):
    channels = [f"chat:{number}" for number in range(12)]
    assert {nodes.place_of(NAMES.history(channel)) for channel in channels} == {0, 1, 2}
    async with gateway.welcomed(Django(redis).log_in("sid")) as browser:
        for channel in channels:
            await subscribe(browser, channel)
            said = {"channel": channel, "event": "client-said", "data": channel}
            await browser.send(json.dumps({"type": "publish", **said}))
            while (frame := await hear(browser)).get("type") != "published":
                pass
            assert frame == {"type": "published", "channel": channel, "offset": 1}
            names = redis.keys(NAMES.published(channel, "*"), target_nodes=RedisCluster.PRIMARIES)
            assert len(names) == 1  # Its client tries twice.


async def test_who_comes_and_goes_is_told_on_channels_of_every_node(gateway, redis, nodes):
    channels = [f"hall:{number}" for number in range(12)]
    assert {nodes.place_of(NAMES.presence(channel, "w")) for channel in channels} == {0, 1, 2}
    alice, bob = (Django(redis).log_in(f"sid-{uid}", uid) for uid in ("1", "2"))
    async with gateway.welcomed(alice) as watcher:
        for channel in channels:
            await subscribe(watcher, channel)
            await hear_until(watcher, type="join", channel=channel, user="1")
        for channel in channels:
            async with gateway.welcomed(bob) as browser:
                await subscribe(browser, channel)
                await hear_until(watcher, type="join", channel=channel, user="2")
                await watcher.send(json.dumps({"type": "presence", "channel": channel}))
                here = await hear_until(watcher, type="presence", channel=channel)
                assert here["users"] == {"1": 1, "2": 1}
            await hear_until(watcher, type="leave", channel=channel, user="2")


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
            assert (await hear(browser))["data"]["data"] == 2


async def subscribe(browser, channel: str, since: Position | None = None) -> dict:
    recover = {} if since is None else {"recover": since}
    await browser.send(json.dumps({"type": "subscribe", "channel": channel, **recover}))
    return await hear_until(browser, type="subscribed", channel=channel)


async def test_channel_goes_on_when_its_slot_moves(gateway, redis, nodes):
    token = Django(redis).log_in("sid")
    async with listening(gateway, token) as (browser, epoch):
        publish(redis, 1)
        await hear_until(browser, channel=CHANNEL, offset=1)
        key = NAMES.history(CHANNEL)
        to = (nodes.place_of(key) + 1) % len(SLOTS)
        await asyncio.to_thread(nodes.move, key, to)
        assert nodes.place_of(key) == to
        publish(redis, 2)
        assert await hear(browser) == {
            "channel": CHANNEL,
            "data": {"event": "n", "data": 2},
            "offset": 2,
        }
        async with listening(gateway, token) as (_, again):
            assert again == epoch


async def test_primary_that_was_replaced_is_told(tmp_path):
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
                epoch = (await hear(browser))["channels"][channel]["epoch"]
                await asyncio.to_thread(nodes.kill, 0)
                gap = await hear_until(browser, type="gap", channel=channel)
                assert gap["epoch"] != epoch
                assert await until_ready(gateway)
                publish(redis, 1, channel)
                await hear_until(browser, channel=channel, offset=gap["offset"] + 1)
        finally:
            gateway.stop()
