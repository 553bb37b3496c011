"""Who is told of whom, as workers come, die, and are back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from redis.asyncio import Redis

from gateway.broker.presence import RedisPresence
from gateway.presence import Change
from gateway.wire.control import PresenceChanged, read_control

from .bench import NAMES

pytestmark = pytest.mark.integration

ROOM = "room:7"


class Ward:
    """Two workers of one Redis, and what all workers are told."""

    def __init__(self, redis: Redis, pubsub) -> None:
        self.redis = redis
        self._pubsub = pubsub
        self.first, self.second = (RedisPresence(redis, NAMES, name) for name in "ab")

    async def told(self) -> list[tuple[str, bool]]:
        """Take what was told since the last time: who, and whether he came."""
        await self.redis.publish(NAMES.control, "the end")
        said = []
        while (message := await self._pubsub.get_message(timeout=10))["data"] != b"the end":
            said.append(read_control(message["data"]))
        assert all(isinstance(one, PresenceChanged) for one in said)
        return [(one.user, one.is_present) for one in said]


@asynccontextmanager
async def open_ward(server) -> AsyncIterator[Ward]:
    async with Redis.from_url(server.connection_url, protocol=2) as redis:
        await redis.flushall()
        async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(NAMES.control)
            while not pubsub.subscribed or await pubsub.get_message(timeout=0.05):
                pass
            yield Ward(redis, pubsub)


@pytest.fixture
def new_ward(server):
    return partial(open_ward, server)


def at(count: int, uid: str = "1") -> Change:
    return Change(ROOM, uid, count, is_told=True)


async def test_who_is_at_another_worker_neither_comes_nor_goes(new_ward):
    async with new_ward() as ward:
        for worker in (ward.first, ward.second):
            await worker.beat()
            await worker.write([at(1)])
        await ward.first.write([at(0)])
        assert await ward.told() == [("1", True)]
        await ward.second.write([at(0)])
        assert await ward.told() == [("1", False)]


async def test_who_is_at_a_worker_that_has_just_begun_does_not_go(new_ward):
    async with new_ward() as ward:
        await ward.first.beat()
        await ward.first.write([at(1)])
        await ward.second.beat()
        await ward.second.write([at(1)])
        await ward.first.write([at(0)])  # It has not beaten since the second one is there.
        assert await ward.told() == [("1", True)]


async def test_who_is_at_a_worker_that_redis_has_forgotten_does_not_go(new_ward):
    async with new_ward() as ward:
        await ward.second.beat()
        await ward.first.beat()
        for worker in (ward.first, ward.second):
            await worker.write([at(1)])
        await ward.redis.delete(NAMES.workers, NAMES.worker("a"), NAMES.worker("b"))
        await ward.first.write([at(0)])
        assert await ward.told() == [("1", True)]


async def test_users_of_a_worker_that_is_back_come_again(new_ward):
    """The others have held it for dead, and told their browsers that its users are gone."""
    async with new_ward() as ward:
        await ward.first.beat()
        await ward.first.write([at(1), at(0, "2")])
        assert await ward.told() == [("1", True)]
        await ward.redis.delete(NAMES.worker("a"))
        pulse = await ward.first.beat()
        assert pulse.was_forgotten
        await ward.first.write([at(1), at(0, "2")], is_back=True)
        assert await ward.told() == [("1", True)]


async def test_worker_that_stayed_is_not_back(new_ward):
    async with new_ward() as ward:
        for _ in range(2):
            pulse = await ward.first.beat()
        assert not pulse.was_forgotten
        for _ in range(2):
            await ward.first.write([at(1)])
        assert await ward.told() == [("1", True)]
