"""Django's clients log in with ``SOCKGATE["REDIS_CREDENTIALS"]``, and again before these end."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from redis import Redis
from sockgate.conf.gateway_variables import variables_of_settings
from sockgate.redis_clients import pools
from sockgate_gateway.redis_servers import credentials

from tests.integration.providers import PASSWORD, create_account
from tests.integration.rotating import FACTORY, PROVIDER, provider
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def accounts(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(credentials, "RENEW_S", 0.01)
    PROVIDER.credentials, PROVIDER.failure = ("first", PASSWORD), None
    for name in ("first", "second"):
        create_account(redis, name, ())
    yield
    for name in ("first", "second"):
        redis.acl_deluser(name)


@pytest.fixture(params=[FACTORY, provider], ids=["path", "callable"])
def site(sockgate: Any, request: Any) -> Any:
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, "REDIS_CREDENTIALS": request.param}
    return sockgate


def who(client: Any) -> Any:
    return client.execute_command("ACL", "WHOAMI")


def test_live_connection_logs_in_again(site, redis: Redis) -> None:
    client = pools.publisher()
    assert who(client) == b"first"
    before = client.client_id()
    PROVIDER.credentials = ("second", PASSWORD)
    wait_until(lambda: who(client) == b"second")
    redis.acl_deluser("first")
    assert client.client_id() == before, "the same connection"


def test_asyncio_connection_logs_in_again(site, redis: Redis) -> None:
    async def work() -> None:
        client = await pools.async_publisher()
        assert await who(client) == b"first"
        before = await client.client_id()
        PROVIDER.credentials = ("second", PASSWORD)
        while await who(client) != b"second":
            await asyncio.sleep(0)
        redis.acl_deluser("first")
        assert await client.client_id() == before

    asyncio.run(work())


def test_gateway_gets_the_same_factory(site) -> None:
    assert variables_of_settings()["SOCKGATE_REDIS_CREDENTIALS"] == FACTORY


def test_wrong_factory_is_named(sockgate: Any) -> None:
    path = "tests.integration.rotating:number"
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, "REDIS_CREDENTIALS": path}
    with pytest.raises(ImproperlyConfigured, match=r'SOCKGATE\["REDIS_CREDENTIALS"\]: the factory'):
        pools.records()
