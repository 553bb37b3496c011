"""Clients leave a master that was replaced and still answers, although their connections work."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sockgate.publishing.publisher import Publisher
from sockgate.redis_clients.clients import open_async_client
from sockgate_gateway.redis_servers import sentinel
from sockgate_gateway.redis_servers.clients import close_async_client

from tests.integration.sentinels import Watched, watched

pytestmark = pytest.mark.integration

AT_ONCE_S = 0.0


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr(sentinel, "QUERY_INTERVAL_S", AT_ONCE_S)
    with watched(tmp_path) as service:
        yield service


def key_at_master(service: Watched) -> Any:
    with service.master() as master:
        return master.get("key")


def test_publisher_follows_to_the_new_master(service: Watched) -> None:
    with Publisher(service.url) as publisher, service.master() as former:
        publisher.publish(1, "news", sequenced=True)
        assert former.wait(1, 5000) == 1
        service.fail_over()
        publisher.publish(1, "news", sequenced=True)
        assert former.role()[0] == b"master"
        with service.master() as master:
            places = [
                redis.hget("sockgate:offset:{rt:user:1}", "offset") for redis in (former, master)
            ]
        assert places == [b"1", b"2"]


def test_async_client_follows_to_the_new_master(service: Watched) -> None:
    async def write_around_a_failover() -> None:
        client = open_async_client(service.url, 0)
        await client.set("key", "before")
        await asyncio.to_thread(service.fail_over)
        await client.set("key", "after")
        await close_async_client(client)

    asyncio.run(write_around_a_failover())
    assert key_at_master(service) == b"after"


def test_sentinels_that_are_down_keep_the_master(service: Watched) -> None:
    with Publisher(service.url) as publisher:
        publisher.publish(1, "news", sequenced=True)
        service.kill_sentinels()
        publisher.publish(1, "news", sequenced=True)
        publisher.publish(1, "news", sequenced=True)
        assert publisher.position("user:1")[1] == 3
