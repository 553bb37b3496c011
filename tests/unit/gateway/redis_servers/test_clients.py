"""Which client each URL opens, and with which options."""

from typing import Any

import pytest
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.client import Redis
from redis.retry import Retry
from sockgate_gateway.redis_servers.clients import (
    close_async_client,
    close_client,
    database_of,
    open_async_client,
    open_client,
)
from sockgate_gateway.redis_servers.cluster import AsyncCluster
from sockgate_gateway.redis_servers.options import PROTOCOL, Timeouts
from sockgate_gateway.redis_servers.sentinel import AsyncMasterPool, MasterPool
from sockgate_gateway.wire.errors import AddressError

TIMEOUTS = Timeouts(connect_s=2, reply_s=5, sentinel_s=0.5)
FIXED = Timeouts(connect_s=2, reply_s=5, is_fixed=True)
RETRY = Retry(NoBackoff(), 1)
ASYNC_RETRY = AsyncRetry(NoBackoff(), 1)


def options_of(client: Any) -> dict[str, Any]:
    return dict(client.connection_pool.connection_kwargs)


def test_url_of_a_server_opens_its_client():
    client = open_client("redis://:secret@host:1/3", TIMEOUTS, RETRY)
    options = options_of(client)
    assert type(client) is Redis
    assert (options["host"], options["port"], options["db"]) == ("host", 1, 3)
    assert (options["socket_timeout"], options["protocol"]) == (5, PROTOCOL)


@pytest.mark.parametrize(("timeouts", "reply_s"), [(TIMEOUTS, 1.0), (FIXED, 5)])
def test_url_of_a_server_changes_timeouts_unless_they_are_fixed(timeouts, reply_s):
    client = open_client("redis://host?socket_timeout=1", timeouts, RETRY)
    assert options_of(client)["socket_timeout"] == reply_s


def test_url_of_sentinels_opens_a_client_of_their_master():
    client = open_client("redis+sentinel://a:1/shop/3", TIMEOUTS, RETRY)
    assert isinstance(client.connection_pool, MasterPool)
    assert options_of(client)["db"] == 3
    (sentinel,) = client.connection_pool.sentinel_manager.sentinels
    assert options_of(sentinel)["socket_timeout"] == 0.5
    close_client(client)


async def test_async_urls_open_the_twins():
    server = open_async_client("redis://host", TIMEOUTS, ASYNC_RETRY)
    master = open_async_client("redis+sentinel://a:1/shop", TIMEOUTS, ASYNC_RETRY)
    cluster = open_async_client("redis+cluster://a:1", TIMEOUTS, ASYNC_RETRY)
    assert type(server) is AsyncRedis
    assert isinstance(master.connection_pool, AsyncMasterPool)
    assert isinstance(cluster, AsyncCluster)
    for client in (server, master, cluster):
        await close_async_client(client)


def test_unknown_url_raises():
    with pytest.raises(AddressError):
        open_client("http://host", TIMEOUTS, RETRY)


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("redis://host/3", 3),
        ("redis://host", 0),
        ("redis+sentinel://a/shop/2", 2),
        ("redis+cluster://a", 0),
    ],
)
def test_database_of_a_url_is_read(url, database):
    assert database_of(url) == database


def test_database_of_a_client_is_read():
    assert database_of(open_client("redis://host/3", TIMEOUTS, RETRY)) == 3
    assert database_of(object()) == 0
