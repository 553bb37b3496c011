"""A real Redis behaves as the twin does; and what happens to the worker's link to it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.broker import subscriber as subscriber_module
from gateway.broker.clients import open_servers
from gateway.broker.ledger import Ledger
from gateway.broker.subscriber import CHANNELS_PER_COMMAND, Subscriber
from gateway.errors import BrokerUnavailable
from gateway.timerwheel import TimerWheel
from gateway.wire.names import Names
from tests.unit.gateway.broker.behaviour import BrokerBehaviour, Ear
from tests.waiting import turn_loop, until

pytestmark = pytest.mark.integration


class TestRedisBroker(BrokerBehaviour):
    """The suite that the twin is held to, on Redis."""

    @pytest.fixture
    def bench(self, bench):
        return bench


async def test_channel_is_released_in_redis_a_while_after_it_is_unwanted(bench):
    async with bench() as broker:
        broker.want("a")
        await broker.confirmed(("a",))
        assert await broker.django.pubsub_numsub("rt:a") == [(b"rt:a", 1)]
        broker.unwant("a")
        assert broker.ledger.unconfirmed(["a"]) == []
        while (await broker.django.pubsub_numsub("rt:a"))[0][1]:
            pass


async def test_more_channels_than_fit_in_a_command_are_subscribed(bench):
    channels = tuple(f"room:{number}" for number in range(CHANNELS_PER_COMMAND * 2 + 1))
    async with bench() as broker:
        for channel in channels:
            broker.want(channel)
        await broker.confirmed(channels)
        assert await broker.publish(channels[-1], b"1") == 1


async def test_killed_subscription_is_made_again_and_told(bench):
    async with bench() as broker:
        broker.want("a")
        await broker.confirmed(("a",))
        await broker.kill_subscriber()
        await until(lambda: broker.ear.restored == 1)
        assert await broker.publish("a", b'"still here"') == 1
        await until(lambda: broker.ear.heard == [(b"rt:a", b'"still here"')])
        await until(lambda: broker.is_live)


async def test_frozen_server_is_found_by_the_probe(bench, monkeypatch):
    monkeypatch.setattr(subscriber_module, "PROBE_INTERVAL_S", 0.1)
    monkeypatch.setattr(subscriber_module, "PROBE_TIMEOUT_S", 0.4)
    async with bench() as broker:
        broker.want("a")
        await broker.confirmed(("a",))
        await broker.freeze()
        broker.want("b")
        try:
            with pytest.raises(BrokerUnavailable):
                await broker.confirmed(("b",))
            await until(lambda: broker.ear.lost)
            assert not broker.is_live
        finally:
            broker.thaw()
        await until(lambda: broker.is_live)
        assert broker.ear.restored == 1
        assert [await broker.publish(channel, b"1") for channel in "ab"] == [1, 1]


@pytest.mark.parametrize("turns", range(6))
async def test_subscriber_can_be_stopped_while_redis_stops(bench, turns):
    async with asyncio.timeout(10), bench() as broker:
        await broker.cut()
        await turn_loop(turns)


async def test_loss_and_return_are_logged_once(bench, caplog):
    async with bench() as broker:
        with caplog.at_level(logging.DEBUG, "gateway.broker"):
            await broker.cut()
            await until(lambda: len(told(caplog, logging.DEBUG)) >= 3)
            await broker.mend()
            await until(lambda: broker.is_live)
    assert told(caplog, logging.WARNING) == ["event=link_lost"]
    assert told(caplog, logging.INFO) == ["event=link_up"]


def told(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """List the broker's events at a level."""
    records = [record for record in caplog.records if record.name == "gateway.broker"]
    return [record.message.split()[0] for record in records if record.levelno == level]


async def test_error_of_a_listener_costs_the_link_but_not_the_worker(bench, caplog):
    async with bench() as broker:
        broker.want("a")
        await broker.confirmed(("a",))
        healthy, broker.ear.publish = broker.ear.publish, None
        await broker.publish("a", b"1")
        await until(lambda: "event=link_failed" in caplog.text)
        broker.ear.publish = healthy
        await until(lambda: broker.ear.restored)
        await broker.publish("a", b"2")
        await until(lambda: broker.ear.heard == [(b"rt:a", b"2")])


@asynccontextmanager
async def black_hole() -> AsyncIterator[tuple[str, list[asyncio.StreamWriter]]]:
    """A server that accepts connections and never answers."""
    accepted: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: accepted.append(writer), "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}", accepted
    finally:
        server.close()
        for writer in accepted:
            writer.close()


async def test_server_that_never_answers_is_tried_again(monkeypatch):
    monkeypatch.setattr(subscriber_module, "LINK_TIMEOUT_S", 0.1)
    wheel, names = TimerWheel(lambda: 0.0), Names()
    async with black_hole() as (url, accepted):
        servers = open_servers(url)
        ledger = Ledger(names, wheel, 5, (b"control",))
        subscriber = Subscriber(servers, ledger, names, wheel, "worker")
        running = asyncio.create_task(subscriber.run(Ear()))
        await until(lambda: len(accepted) >= 3)
        assert not subscriber.is_live
        with pytest.raises(BrokerUnavailable):
            await subscriber.confirmed(("a",))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await servers.close()
