"""A master that is replaced while browsers listen: everybody is told, nothing hangs."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from websockets.asyncio.client import ClientConnection

from djangoauth.publisher import Publisher

from .gatewayprocess import Django, Gateway, hear, show
from .sentinels import Watched, watched

pytestmark = pytest.mark.integration

CHANNEL = "user:7"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Watched]:
    """A master and a replica, watched by three Sentinels."""
    with watched(tmp_path, sentinels=3) as servers:
        yield servers


@pytest.fixture
def gateway(service: Watched, tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(service.url, tmp_path / "gateway.log").start()
    yield gateway
    gateway.stop()


def log_in(redis: Redis) -> str:
    """Log in, and wait until the replica knows."""
    token = Django(redis).log_in("sid")
    assert redis.wait(1, 5000) == 1
    return token


def publish(redis: Redis, number: int) -> None:
    Publisher(redis).publish_to(CHANNEL, "n", number, sequenced=True)


@asynccontextmanager
async def listening(gateway: Gateway, token: str) -> AsyncIterator[tuple[ClientConnection, str]]:
    """Listen, from an epoch on."""
    async with gateway.connect() as browser:
        await show(browser, token)
        welcome = await hear(browser)
        yield browser, welcome["channels"][CHANNEL]["epoch"]


async def hear_until(browser: ClientConnection, **wanted: Any) -> dict[str, Any]:
    """Listen until a frame comes that says this."""
    while True:
        frame = await hear(browser)
        if wanted.items() <= frame.items():
            return frame


async def test_browser_is_told_when_the_master_is_replaced(service, gateway):
    with service.master() as former:
        async with listening(gateway, log_in(former)) as (browser, epoch):
            publish(former, 1)
            await hear_until(browser, channel=CHANNEL, offset=1)
            await asyncio.to_thread(service.fail_over)
            # The former master goes on for some seconds, and so would whoever knows no better.
            publish(former, 2)
            with service.master() as master:
                publish(master, 20)
                publish(master, 30)
                gap = await hear_until(browser, type="gap", channel=CHANNEL)
                assert gap["epoch"] != epoch
                publish(master, 40)
                heard = await hear_until(browser, channel=CHANNEL)
                assert (heard["data"]["data"], heard["offset"]) == (40, gap["offset"] + 1)


async def test_browser_that_was_away_is_told(service, gateway):
    with service.master() as former:
        token = log_in(former)
        async with listening(gateway, token) as (browser, epoch):
            publish(former, 1)
            await hear_until(browser, channel=CHANNEL, offset=1)
        await asyncio.to_thread(service.fail_over)
        with service.master() as master:
            publish(master, 20)
            await asyncio.sleep(3)  # The gateway looks for its master every two seconds.
            async with gateway.connect() as browser:
                position = {CHANNEL: [epoch, 1]}
                await browser.send(
                    json.dumps({"type": "connect", "token": token, "recover": position})
                )
                standing = (await hear_until(browser, type="connected"))["channels"][CHANNEL]
                assert standing["recovered"] is False
                assert standing["epoch"] != epoch


@pytest.mark.parametrize("lose", [Watched.kill_master, Watched.freeze_master])
async def test_gateway_serves_again_after_the_master_was_lost(service, gateway, lose):
    with service.master() as former:
        token = log_in(former)
    async with listening(gateway, token) as (browser, epoch):
        await asyncio.to_thread(lose, service)
        gap = await hear_until(browser, type="gap", channel=CHANNEL)
        assert gap["epoch"] != epoch
        assert await until_ready(gateway)
        with service.master() as master:
            publish(master, 1)
        await hear_until(browser, channel=CHANNEL, offset=1)
        async with listening(gateway, token) as (_, again):
            assert again == gap["epoch"]


async def until_ready(gateway: Gateway) -> bool:
    while (await asyncio.to_thread(gateway.ask_ops, "/ready"))[0] != 200:
        await asyncio.sleep(0.05)
    return True
