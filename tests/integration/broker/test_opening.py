"""The gateway's clients, when Redis has closed their connections."""

import asyncio

import pytest
from redis import Redis
from sockgate_gateway.broker.servers.opening import open_servers

from tests.waiting import until

pytestmark = pytest.mark.integration


def kill_idle_connections(url: str) -> None:
    with Redis.from_url(url) as redis:
        redis.client_kill_filter(_type="normal", skipme=True)


async def ping_before_and_after(url: str, interrupt) -> list[bool]:
    servers = open_servers(url)
    client = servers.client
    answers = [await client.ping()]
    (idle,) = client.connection_pool._available_connections
    interrupt()
    await until(lambda: idle._reader is None or idle._reader.at_eof())
    answers.append(await client.ping())
    await servers.close()
    return answers


def test_client_never_uses_a_connection_that_redis_has_closed(redis_server):
    url = redis_server.connection_url
    answers = asyncio.run(ping_before_and_after(url, lambda: kill_idle_connections(url)))
    assert answers == [True, True]
