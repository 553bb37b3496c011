"""Redis clients: one for each process or event loop, and closed with the loop."""

import asyncio
import os
from typing import Any

import pytest
from redis import Redis
from sockgate.redis_clients import pools

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _project(sockgate: Any) -> None:
    """Use the Redis of the tests."""


def test_client_is_shared() -> None:
    assert pools.records() is pools.records()
    assert pools.publisher() is pools.publisher()


def test_client_is_another_after_a_change_of_settings(settings: Any) -> None:
    before = pools.records()
    settings.SOCKGATE = dict(settings.SOCKGATE)
    assert pools.records() is not before


def test_publisher_never_sends_twice() -> None:
    retry = pools.publisher().get_retry()
    assert retry is not None
    assert retry.get_retries() == 0


def test_client_reconnects_after_redis_has_closed_it(redis: Redis) -> None:
    for client in (pools.records(), pools.publisher()):
        client.ping()
        redis.client_kill_filter(_type="normal", skipme=True)
        assert client.ping()


def test_client_is_safe_after_a_fork() -> None:
    client = pools.records()
    client.set("key", "parent")
    child = os.fork()
    if not child:
        os._exit(0 if client.getset("key", "child") == b"parent" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert client.get("key") == b"child"


def test_async_client_is_shared_within_a_loop() -> None:
    async def scenario() -> bool:
        first, second = await asyncio.gather(pools.async_records(), pools.async_records())
        return first is second

    assert asyncio.run(scenario())


def test_async_clients_are_closed_with_their_loop(redis: Redis) -> None:
    def connected() -> set[int]:
        return {int(client["id"]) for client in redis.client_list()}

    async def scenario() -> set[int]:
        records = await pools.async_records()
        publisher = await pools.async_publisher()
        ours = {await records.client_id(), await publisher.client_id()}
        assert ours <= connected()
        return ours

    # Other clients of this server come and go meanwhile, so ours are found by their ids.
    ours = asyncio.run(scenario())
    assert len(ours) == 2
    assert not pools._async_clients
    # What is closed at one end is noticed at the other within a turn or two of its loop.
    for _ in range(1000):
        if not ours & connected():
            return
    raise AssertionError("connections were left open")
