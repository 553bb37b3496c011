"""A cluster that goes down after its client was opened raises a ``RedisError``."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import RedisError
from sockgate.redis_clients.clients import open_async_client, open_client
from sockgate.redis_clients.retries import RETRIES

from tests.integration.clusters import Cluster, cluster

pytestmark = pytest.mark.integration


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path) as nodes:
        yield nodes


@pytest.mark.parametrize("retries", [0, RETRIES])
def test_cluster_that_died_fails_with_a_redis_error(nodes: Cluster, retries: int) -> None:
    with open_client(nodes.url, retries) as client:
        set_many(client)
        nodes.stop()
        for use in (set_one, set_many):
            with pytest.raises(RedisError):
                use(client)


def set_one(client: Any) -> None:
    client.set("key", "value")


def set_many(client: Any) -> None:
    with client.pipeline(transaction=False) as pipe:
        for number in range(12):
            pipe.set(f"key-{number}", number)
        pipe.execute()


@pytest.mark.parametrize("retries", [0, RETRIES])
def test_async_cluster_that_died_fails_with_a_redis_error(nodes: Cluster, retries: int) -> None:
    async def scenario() -> None:
        async with open_async_client(nodes.url, retries) as client:
            await aset_many(client)
            await asyncio.to_thread(nodes.stop)
            for use in (aset_one, aset_many):
                with pytest.raises(RedisError):
                    await use(client)

    asyncio.run(scenario())


async def aset_one(client: Any) -> None:
    await client.set("key", "value")


async def aset_many(client: Any) -> None:
    async with client.pipeline(transaction=False) as pipe:
        for number in range(12):
            pipe.set(f"key-{number}", number)
        await pipe.execute()


def test_commands_of_several_keys_work(nodes: Cluster) -> None:
    with open_client(nodes.url, 0) as client:
        set_many(client)
        names = [f"key-{number}" for number in range(12)]
        assert client.exists(*names, "none") == 12
        assert client.exists(names[0]) == 1
        assert client.delete(*names) == 12
