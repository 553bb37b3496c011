"""A replaced master is a gap for all clients, and the gateway continues."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from redis import Redis
from sockgate.publishing.publisher import Publisher

from tests.integration.gatewayprocess import Django, Gateway, receive_frame, receive_until, show
from tests.integration.sentinels import Watched, watched
from tests.integration.sequences import ClientState
from tests.integration.test_recovery_under_faults import breaks

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
    """Log in, and wait until the replica has the records."""
    token = Django(redis).log_in("sid")
    assert redis.wait(1, 5000) == 1
    return token


def publish(redis: Redis, number: int) -> None:
    Publisher(redis).publish_to(CHANNEL, "n", number, sequenced=True)


async def test_client_receives_a_gap_when_the_master_is_replaced(service, gateway):
    with service.master() as former:
        async with gateway.subscribed(CHANNEL, log_in(former)) as (browser, epoch):
            publish(former, 1)
            await receive_until(browser, channel=CHANNEL, offset=1)
            await asyncio.to_thread(service.fail_over)
            # The former master still accepts publications for some seconds.
            publish(former, 2)
            with service.master() as master:
                publish(master, 20)
                publish(master, 30)
                gap = await receive_until(browser, type="gap", channel=CHANNEL)
                assert gap["epoch"] != epoch
                publish(master, 40)
                # The gap stands where the gateway found the new master: perhaps before 20 or 30.
                numbers = []
                while numbers[-1:] != [40]:
                    received = await receive_until(browser, channel=CHANNEL)
                    numbers.append(received["data"]["data"])
                    assert received["offset"] == gap["offset"] + len(numbers)
                assert numbers == [20, 30, 40][-len(numbers) :]


async def test_client_that_was_disconnected_receives_a_gap(service, gateway):
    with service.master() as former:
        token = log_in(former)
        async with gateway.subscribed(CHANNEL, token) as (browser, epoch):
            publish(former, 1)
            await receive_until(browser, channel=CHANNEL, offset=1)
        await asyncio.to_thread(service.fail_over)
        with service.master() as master:
            publish(master, 20)
            await asyncio.sleep(3)  # The gateway looks for its master every two seconds.
            async with gateway.connect() as browser:
                position = {CHANNEL: [epoch, 1]}
                await browser.send(
                    json.dumps({"type": "connect", "token": token, "recover": position})
                )
                subscription = (await receive_until(browser, type="connected"))["channels"][CHANNEL]
                assert subscription["recovered"] is False
                assert subscription["epoch"] != epoch


async def test_state_is_known_again_when_the_master_is_replaced(service, tmp_path):
    """The connection that stayed receives ``gap`` and the state; so does a newcomer its state."""
    namespaces = '{"user": {"state": "latest"}}'
    gateway = Gateway(service.url, tmp_path / "state.log", namespaces=namespaces).start()
    try:
        with service.master() as former:
            token = log_in(former)
            async with gateway.subscribed(CHANNEL, token) as (browser, _):
                publish(former, 1)
                await receive_until(browser, channel=CHANNEL, offset=1)
                await asyncio.to_thread(service.fail_over)
                with service.master() as master:
                    publish(master, 20)
                    gap = await receive_until(browser, type="gap", channel=CHANNEL)
                    received = await receive_until(browser, channel=CHANNEL)
                    assert received["offset"] == gap["offset"] + 1
                    publish(master, 30)
                    while received["data"]["data"] != 30:
                        received = await receive_until(browser, channel=CHANNEL)
                async with gateway.welcomed(token) as newcomer:
                    assert (await receive_until(newcomer, channel=CHANNEL))["data"]["data"] == 30
    finally:
        gateway.stop()


@pytest.mark.parametrize("lose", [Watched.kill_master, Watched.freeze_master])
async def test_gateway_serves_again_after_the_master_was_lost(service, gateway, lose):
    with service.master() as former:
        token = log_in(former)
    async with gateway.subscribed(CHANNEL, token) as (browser, epoch):
        await asyncio.to_thread(lose, service)
        gap = await receive_until(browser, type="gap", channel=CHANNEL)
        assert gap["epoch"] != epoch
        await gateway.until_ready()
        with service.master() as master:
            publish(master, 1)
        await receive_until(browser, channel=CHANNEL, offset=1)
        async with gateway.subscribed(CHANNEL, token) as (_, again):
            assert again == gap["epoch"]


def life_of(redis: Redis) -> str:
    """Return the replication ID of a master; it changes once the server was a replica."""
    return redis.info("replication")["master_replid"]


def fail_over_and_back(service: Watched, former: Redis) -> None:
    """Replace the master twice, so fast that it never becomes a replica, and publish in between."""
    life = life_of(former)
    service.fail_over()
    with service.master() as other:
        publish(other, 2)
    service.fail_over()
    assert life_of(former) == life, "it was a replica in between"


async def test_client_that_was_disconnected_receives_a_gap_after_the_master_returned(
    service, gateway
):
    """No gateway has seen the other master, and the returned master has no trace of it."""
    with service.master() as former:
        token = log_in(former)
        async with gateway.subscribed(CHANNEL, token) as (browser, epoch):
            publish(former, 1)
            await receive_until(browser, channel=CHANNEL, offset=1)
        gateway.stop()
        await asyncio.to_thread(fail_over_and_back, service, former)
        publish(former, 3)
        await asyncio.to_thread(gateway.start)
        async with gateway.connect() as browser:
            position = {CHANNEL: [epoch, 1]}
            await browser.send(json.dumps({"type": "connect", "token": token, "recover": position}))
            subscription = (await receive_until(browser, type="connected"))["channels"][CHANNEL]
            assert subscription["recovered"] is False
            assert subscription["epoch"] != epoch


async def test_connected_client_receives_a_gap_after_the_master_returned(service, gateway):
    listener = ClientState()
    with service.master() as former:
        async with gateway.connect() as browser:
            await show(browser, log_in(former))
            await listener.receive_type(browser, "connected")
            publish(former, 1)
            await asyncio.to_thread(fail_over_and_back, service, former)
            number = 2
            while number not in numbers(listener):  # Until the gateway is with the master again.
                number += 1
                publish(former, number)
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.2):
                        while number not in numbers(listener):
                            listener.handle(await receive_frame(browser))
    received = [
        item if item == ClientState.GAP else item["data"] for item in listener.received[CHANNEL]
    ]
    assert received[0] == 1
    assert ClientState.GAP in received
    assert breaks(received) == []


def numbers(listener: ClientState) -> list[int]:
    received = listener.received.get(CHANNEL, [])
    return [item["data"] for item in received if item != ClientState.GAP]
