"""Every failure of a cluster is a ``RedisError``."""

import pytest
from redis.asyncio.cluster import RedisCluster as AsyncRedisCluster
from redis.exceptions import RedisClusterException, RedisError
from sockgate_gateway.redis_servers.cluster import open_async_cluster, open_cluster
from sockgate_gateway.redis_servers.options import Timeouts
from sockgate_gateway.wire.addresses import read_address

from tests.ports import HOST, free_port

TIMEOUTS = Timeouts(connect_s=1, reply_s=1)


def test_cluster_without_a_node_that_answers_raises_a_redis_error():
    address = read_address(f"redis+cluster://{HOST}:{free_port()}")
    with pytest.raises(RedisError):
        open_cluster(address, TIMEOUTS)


async def test_async_command_without_a_node_raises_a_redis_error(monkeypatch):
    async def fail(self: object, *args: object) -> None:
        raise RedisClusterException("no node")

    monkeypatch.setattr(AsyncRedisCluster, "execute_command", fail)
    client = open_async_cluster(read_address("redis+cluster://a:1"), TIMEOUTS)
    with pytest.raises(RedisError, match="no node"):
        await client.execute_command("GET", "key")
    with pytest.raises(RedisError):
        await client.pipeline().initialize()


def test_options_of_the_caller_are_below_those_of_the_url():
    address = read_address("redis+cluster://:secret@a:1")
    client = open_async_cluster(address, TIMEOUTS, password="other", reinitialize_steps=9)
    assert client.connection_kwargs["password"] == "secret"
    assert client.reinitialize_steps == 9
