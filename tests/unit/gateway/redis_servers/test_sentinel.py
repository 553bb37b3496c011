"""When the pools ask the Sentinels again, and that a failure keeps the known master."""

from time import monotonic

import pytest
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry
from sockgate_gateway.redis_servers import sentinel as sentinel_module
from sockgate_gateway.redis_servers.clients import (
    close_async_client,
    open_async_client,
    open_client,
)
from sockgate_gateway.redis_servers.options import Timeouts
from sockgate_gateway.redis_servers.sentinel import (
    FAILURE_PAUSE_S,
    QUERY_INTERVAL_S,
    MasterPool,
    _Schedule,
    open_sentinel,
)
from sockgate_gateway.wire.addresses import read_address

ADDRESS = read_address("redis+sentinel://:secret@a:1,b:2/shop?sentinel_password=other")
TIMEOUTS = Timeouts(connect_s=1, reply_s=1)


class Clock:
    now = 0.0

    def read(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_schedule_lets_one_caller_ask(clock):
    schedule = _Schedule(clock.read)
    assert [schedule.take_turn() for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize(
    ("is_answered", "pause_s"), [(True, QUERY_INTERVAL_S), (False, FAILURE_PAUSE_S)]
)
def test_schedule_waits_longer_after_a_failure(clock, is_answered, pause_s):
    schedule = _Schedule(clock.read)
    assert schedule.take_turn()
    if is_answered:
        schedule.succeed()
    clock.now = pause_s - 0.01
    assert not schedule.take_turn()
    clock.now = pause_s
    assert schedule.take_turn()


def test_pool_asks_the_sentinels_once_in_an_interval(clock, monkeypatch):
    asked = []
    monkeypatch.setattr(MasterPool, "get_master_address", lambda self: asked.append(clock.now))
    monkeypatch.setattr(
        sentinel_module.blocking.SentinelConnectionPool, "get_connection", lambda self: "connection"
    )
    pool = MasterPool("shop", open_sentinel(ADDRESS, 1))
    pool._schedule = _Schedule(clock.read)
    for clock.now in (0, 0.5, 1, 1.5):
        assert pool.get_connection() == "connection"
    assert asked == [0, 1]


def test_pool_keeps_its_connections_while_no_sentinel_answers(clock, monkeypatch):
    def fail(pool: MasterPool) -> None:
        raise RedisConnectionError("refused")

    monkeypatch.setattr(MasterPool, "get_master_address", fail)
    monkeypatch.setattr(
        sentinel_module.blocking.SentinelConnectionPool, "get_connection", lambda self: "connection"
    )
    assert MasterPool("shop", open_sentinel(ADDRESS, 1)).get_connection() == "connection"


def test_sentinels_receive_their_own_password():
    clients = open_sentinel(ADDRESS, 0.5).sentinels
    options = [client.connection_pool.connection_kwargs for client in clients]
    assert [(one["host"], one["port"]) for one in options] == [("a", 1), ("b", 2)]
    assert {one["password"] for one in options} == {"other"}
    assert {one["socket_timeout"] for one in options} == {0.5}


def test_sentinels_that_refuse_are_asked_once_each():
    """By default redis-py asks each one four times, and waits 17 seconds for three of them."""
    url = "redis+sentinel://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3/shop"
    client = open_client(url, TIMEOUTS, Retry(NoBackoff(), 0))
    started_at = monotonic()
    with pytest.raises(RedisConnectionError, match="no Sentinel names a master"):
        client.ping()
    assert monotonic() - started_at < 3


async def test_asyncio_client_asks_sentinels_that_refuse_once_each():
    url = "redis+sentinel://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3/shop"
    client = open_async_client(url, TIMEOUTS, AsyncRetry(NoBackoff(), 0))
    started_at = monotonic()
    with pytest.raises(RedisConnectionError, match="no Sentinel names a master"):
        await client.ping()
    assert monotonic() - started_at < 3
    await close_async_client(client)
