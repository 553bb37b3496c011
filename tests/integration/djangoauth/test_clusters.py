"""A cluster that dies after its client was opened: an error of Redis, as any other."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from redis import RedisError

from djangoauth import redis_clients
from djangoauth.clients import RETRIES, open_async_client, open_client
from djangoauth.sessions.redis import SessionStore
from tests.integration.clusters import Cluster, cluster

pytestmark = pytest.mark.integration


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path) as nodes:
        yield nodes


@pytest.mark.parametrize("retries", [0, RETRIES])
def test_cluster_that_died_fails_with_an_error_of_redis(nodes: Cluster, retries: int) -> None:
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
def test_async_cluster_that_died_fails_with_an_error_of_redis(nodes: Cluster, retries: int) -> None:
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


@pytest.fixture
def project(nodes: Cluster, settings: Any) -> Any:
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": nodes.url}
    return settings


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("engine", ["redis", "db", "cached_db"])
def test_token_is_not_for_now_while_the_cluster_is_away(
    project: Any, nodes: Cluster, client: Client, engine: str
) -> None:
    project.SESSION_ENGINE = f"djangoauth.sessions.{engine}"
    client.force_login(User.objects.create_user("alice"))
    assert client.post("/realtime/token/").status_code == 200
    nodes.stop()
    assert client.post("/realtime/token/").status_code == 503


@pytest.mark.usefixtures("project")
def test_session_that_cannot_be_written_says_so(nodes: Cluster) -> None:
    assert redis_clients.records().ping()
    nodes.stop()
    with pytest.raises(RedisError):
        SessionStore().save()
