"""The broker on a real Redis, and failures of the worker's link."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from sockgate_gateway.broker import pubsub as subscriber_module
from sockgate_gateway.broker.errors import BUSY
from sockgate_gateway.broker.pubsub import CHANNELS_PER_COMMAND, Subscriber
from sockgate_gateway.broker.servers.opening import open_servers
from sockgate_gateway.broker.subscription_state import SubscriptionState
from sockgate_gateway.errors import BrokerUnavailable, OwnConnectionsBusy
from sockgate_gateway.loop.timer_wheel import TimerWheel
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.publish_request import PublishRequest

from tests.unit.gateway.broker.behaviour import BrokerBehaviour, RecordingListener
from tests.waiting import turn_loop, until

pytestmark = pytest.mark.integration


class TestRedisBroker(BrokerBehaviour):
    """The suite that the memory broker passes, on Redis."""

    @pytest.fixture
    def bench(self, bench):
        return bench


async def test_channel_is_unsubscribed_in_redis_after_the_release_delay(bench):
    async with bench() as broker:
        broker.subscribe("a")
        await broker.confirmed(("a",))
        assert await broker.django.pubsub_numsub("rt:a") == [(b"rt:a", 1)]
        broker.unsubscribe("a")
        assert broker.subscription_state.unconfirmed(["a"]) == []
        while (await broker.django.pubsub_numsub("rt:a"))[0][1]:
            pass


async def test_more_channels_than_fit_in_a_command_are_subscribed(bench):
    channels = tuple(f"room:{number}" for number in range(CHANNELS_PER_COMMAND * 2 + 1))
    async with bench() as broker:
        for channel in channels:
            broker.subscribe(channel)
        await broker.confirmed(channels)
        assert await broker.publish(channels[-1], b"1") == 1


async def test_link_that_was_killed_is_restored(bench):
    async with bench() as broker:
        broker.subscribe("a")
        await broker.confirmed(("a",))
        await broker.kill_subscriber()
        await until(lambda: broker.listener.restored == 2)
        assert await broker.publish("a", b'"still here"') == 1
        await until(lambda: broker.listener.received == [(b"rt:a", b'"still here"')])
        await until(lambda: broker.is_live)


async def test_frozen_server_fails_the_probe(bench, monkeypatch):
    monkeypatch.setattr(subscriber_module, "PROBE_INTERVAL_S", 0.1)
    monkeypatch.setattr(subscriber_module, "PROBE_TIMEOUT_S", 0.4)
    async with bench() as broker:
        broker.subscribe("a")
        await broker.confirmed(("a",))
        await broker.freeze()
        broker.subscribe("b")
        try:
            with pytest.raises(BrokerUnavailable):
                await broker.confirmed(("b",))
            await until(lambda: broker.listener.lost)
            assert not broker.is_live
        finally:
            broker.thaw()
        await until(lambda: broker.is_live)
        assert broker.listener.restored == 2
        assert [await broker.publish(channel, b"1") for channel in "ab"] == [1, 1]


async def test_worker_without_a_free_connection_keeps_its_link_and_blames_not_redis(
    bench, monkeypatch, caplog
):
    monkeypatch.setattr(subscriber_module, "PROBE_INTERVAL_S", 0.01)
    async with bench() as broker:
        pool, refused = broker.client.connection_pool, BUSY.total
        pool.timeout = 0.01
        taken = [await pool.get_connection() for _ in range(pool.max_connections)]
        await until(
            lambda: "event=probe_unsent cause='all connections of this process" in caplog.text
        )
        with pytest.raises(OwnConnectionsBusy, match="all connections of this process"):
            await broker.pubsub.synchronize()
        with pytest.raises(OwnConnectionsBusy):
            await broker.publisher.publish(PublishRequest("a", b"1"))
        assert BUSY.total >= refused + 3
        for connection in taken:
            await pool.release(connection)
        await broker.pubsub.synchronize()
        assert (broker.listener.restored, broker.listener.lost) == (1, 0)
        assert "event=link_lost" not in caplog.text


@pytest.mark.parametrize("turns", range(6))
async def test_subscriber_can_be_stopped_while_redis_stops(bench, turns):
    async with asyncio.timeout(10), bench() as broker:
        await broker.cut()
        await turn_loop(turns)


async def test_loss_and_return_are_logged_once_for_each_cause(bench, caplog):
    async with bench() as broker:
        with caplog.at_level(logging.DEBUG, "sockgate.broker"):
            await broker.cut()
            await until(lambda: len(events_of(caplog, logging.DEBUG)) >= 3)
            await broker.mend()
            await until(lambda: broker.is_live)
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert set(events_of(caplog, logging.WARNING)) == {"event=link_lost"}
    assert len(warnings) == len(set(warnings))
    assert events_of(caplog, logging.INFO) == ["event=link_up"]


def events_of(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """Return the broker's log events of a level."""
    records = [record for record in caplog.records if record.name == "sockgate.broker"]
    return [record.message.split()[0] for record in records if record.levelno == level]


async def test_error_of_a_listener_closes_the_link_and_not_the_worker(bench, caplog):
    async with bench() as broker:
        broker.subscribe("a")
        await broker.confirmed(("a",))
        healthy, broker.listener.fan_out = broker.listener.fan_out, None
        await broker.publish("a", b"1")
        await until(lambda: "event=link_failed" in caplog.text)
        broker.listener.fan_out = healthy
        await until(lambda: broker.listener.restored == 2)
        await broker.publish("a", b"2")
        await until(lambda: broker.listener.received == [(b"rt:a", b"2")])


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


async def test_server_that_never_answers_is_retried(monkeypatch):
    monkeypatch.setattr(subscriber_module, "LINK_TIMEOUT_S", 0.1)
    wheel, names = TimerWheel(lambda: 0.0), Names()
    async with black_hole() as (url, accepted):
        servers = open_servers(url)
        state = SubscriptionState(names, wheel, 5, (b"control",))
        subscriber = Subscriber(servers, state, names, wheel, "worker")
        listener = RecordingListener()
        running = asyncio.create_task(subscriber.run(listener, listener))
        await until(lambda: len(accepted) >= 3)
        assert not subscriber.is_live
        with pytest.raises(BrokerUnavailable):
            await subscriber.confirmed(("a",))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await servers.close()


async def test_synchronizations_end_in_their_order(bench, monkeypatch):
    """The command of the second call overtakes the first: each may have its own connection."""
    async with bench() as broker:
        publish, ended = broker.client.publish, []
        overtaken = asyncio.Event()

        async def publish_late(channel, token):
            """Hold the first command back until another one, or nothing for a moment, came."""
            if token.endswith(b"-1"):
                with suppress(TimeoutError):
                    # A second command that waits for the first one never comes.
                    async with asyncio.timeout(0.2):
                        await overtaken.wait()
            await publish(channel, token)
            overtaken.set()

        async def synchronize(number):
            await broker.pubsub.synchronize()
            ended.append(number)

        monkeypatch.setattr(broker.client, "publish", publish_late)
        first = asyncio.create_task(synchronize(1))
        await turn_loop()
        await asyncio.gather(first, synchronize(2), synchronize(3))
        assert ended == [1, 2, 3]
