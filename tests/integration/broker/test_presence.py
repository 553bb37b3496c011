"""Which joins and leaves are published, as workers start, die and return."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from redis.asyncio import Redis
from sockgate_gateway.broker.presence import RedisPresence
from sockgate_gateway.channels.presence_store import Change
from sockgate_gateway.wire.control import PresenceChanged, read_control
from sockgate_gateway.wire.inspection import WorkerName

from tests.integration.broker.bench import NAMES

pytestmark = pytest.mark.integration

ROOM = "room:7"


class TwoWorkers:
    """Two workers of one Redis, and the control messages that all workers receive."""

    def __init__(self, redis: Redis, pubsub) -> None:
        self.redis = redis
        self._pubsub = pubsub
        self.first, self.second = (RedisPresence(redis, NAMES, WorkerName(name)) for name in "ab")

    async def notices(self) -> list[tuple[str, bool]]:
        """Return the notices since the last call: user, and whether they joined."""
        await self.redis.publish(NAMES.control, "the end")
        messages = []
        while (message := await self._pubsub.get_message(timeout=10))["data"] != b"the end":
            messages.append(read_control(message["data"]))
        assert all(isinstance(one, PresenceChanged) for one in messages)
        return [(one.user, one.is_present) for one in messages]


@asynccontextmanager
async def open_workers(server) -> AsyncIterator[TwoWorkers]:
    async with Redis.from_url(server.connection_url, protocol=2) as redis:
        await redis.flushall()
        async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(NAMES.control)
            while not pubsub.subscribed or await pubsub.get_message(timeout=0.05):
                pass
            yield TwoWorkers(redis, pubsub)


@pytest.fixture
def new_workers(server):
    return partial(open_workers, server)


def at(count: int, uid: str = "1") -> Change:
    return Change(ROOM, uid, count, has_notices=True)


async def test_user_at_two_workers_joins_and_leaves_once(new_workers):
    async with new_workers() as workers:
        for worker in (workers.first, workers.second):
            await worker.beat(0)
            await worker.write([at(1)])
        await workers.first.write([at(0)])
        assert await workers.notices() == [("1", True)]
        await workers.second.write([at(0)])
        assert await workers.notices() == [("1", False)]


async def test_user_at_a_worker_that_has_just_started_does_not_leave(new_workers):
    async with new_workers() as workers:
        await workers.first.beat(0)
        await workers.first.write([at(1)])
        await workers.second.beat(0)
        await workers.second.write([at(1)])
        await workers.first.write([at(0)])  # It has sent no heartbeat since the second one started.
        assert await workers.notices() == [("1", True)]


async def test_user_at_a_worker_that_redis_has_lost_does_not_leave(new_workers):
    async with new_workers() as workers:
        await workers.second.beat(0)
        await workers.first.beat(0)
        for worker in (workers.first, workers.second):
            await worker.write([at(1)])
        await workers.redis.delete(NAMES.workers, NAMES.worker("a"), NAMES.worker("b"))
        await workers.first.write([at(0)])
        assert await workers.notices() == [("1", True)]


async def test_users_of_a_worker_that_is_back_join_again(new_workers):
    """The other workers have taken it for dead, and their clients have received its leaves."""
    async with new_workers() as workers:
        await workers.first.beat(0)
        await workers.first.write([at(1), at(0, "2")])
        assert await workers.notices() == [("1", True)]
        await workers.redis.delete(NAMES.worker("a"))
        pulse = await workers.first.beat(0)
        assert pulse.was_forgotten
        await workers.first.write([at(1), at(0, "2")], is_back=True)
        assert await workers.notices() == [("1", True)]


async def test_workers_learn_how_many_connections_the_others_have(new_workers):
    async with new_workers() as workers:
        await workers.second.beat(30)
        await workers.redis.sadd(NAMES.workers, "old")
        await workers.redis.set(NAMES.worker("old"), 1, ex=60)  # A version that does not say.
        pulse = await workers.first.beat(2)
        assert pulse.live == {"b", "old"}
        assert pulse.connections == {"b": 30}


async def test_worker_that_stayed_is_not_back(new_workers):
    async with new_workers() as workers:
        for _ in range(2):
            pulse = await workers.first.beat(0)
        assert not pulse.was_forgotten
        for _ in range(2):
            await workers.first.write([at(1)])
        assert await workers.notices() == [("1", True)]
