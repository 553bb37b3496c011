"""A master that was replaced and still answers is left, although its connections stand."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from djangoauth import masters
from djangoauth.clients import close_async_client, open_async_client
from djangoauth.publisher import Publisher
from tests.integration.sentinels import Watched, watched

pytestmark = pytest.mark.integration

NOW_S = 0.0


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr(masters, "LOOK_S", NOW_S)
    with watched(tmp_path) as service:
        yield service


def masters_key(service: Watched) -> Any:
    with service.master() as master:
        return master.get("key")


def test_publisher_goes_to_the_new_master(service: Watched) -> None:
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


def test_async_client_goes_to_the_new_master(service: Watched) -> None:
    async def write_around_a_failover() -> None:
        client = open_async_client(service.url, 0)
        await client.set("key", "before")
        await asyncio.to_thread(service.fail_over)
        await client.set("key", "after")
        await close_async_client(client)

    asyncio.run(write_around_a_failover())
    assert masters_key(service) == b"after"


def test_sentinels_that_are_gone_change_nothing(service: Watched) -> None:
    with Publisher(service.url) as publisher:
        publisher.publish(1, "news", sequenced=True)
        service.kill_sentinels()
        publisher.publish(1, "news", sequenced=True)
        publisher.publish(1, "news", sequenced=True)
        assert publisher.position("user:1")[1] == 3
