"""Histories of many channels in one read, and what happens while Redis is not available."""

import asyncio
import logging
from contextlib import asynccontextmanager

import pytest
from sockgate_gateway.broker.subscription_state import SubscriptionState
from sockgate_gateway.channels import recovery
from sockgate_gateway.channels.history import HistoryReply
from sockgate_gateway.channels.history_queue import HistoryQueue
from sockgate_gateway.channels.hub import ChannelSubscriber, Hub
from sockgate_gateway.channels.pending_subscriptions import ConnectSubscriptions, SubscriptionResult
from sockgate_gateway.channels.recovery import HistoryReader
from sockgate_gateway.connections.connection import Identity
from sockgate_gateway.errors import BrokerUnavailable
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import Policy

from tests.unit.gateway.channels.test_hub import FakeSubscriptions
from tests.unit.gateway.fakes import new_connection, new_hub, new_room
from tests.waiting import PATIENCE_S, turn_loop, until


class FakeHistory:
    """Histories, each at offset 5, and confirmed subscriptions."""

    def __init__(self) -> None:
        self.reads: list[list[str]] = []
        self.error: Exception | None = None
        self.away: set[str] = set()

    async def read_many(self, requests) -> list[HistoryReply]:
        self.reads.append([request.channel for request in requests])
        await asyncio.sleep(0)  # As a round trip does, it lets other tasks run.
        if self.error:
            raise self.error
        return [HistoryReply(("e", 5)) for _ in requests]

    async def confirmed(self, channels) -> dict[str, BrokerUnavailable]:
        await asyncio.sleep(0)  # As a round trip does, it lets other tasks run.
        return {name: BrokerUnavailable("away") for name in channels if name in self.away}

    async def synchronize(self) -> None:
        await asyncio.sleep(0)  # As a round trip does, it lets other tasks run.


@pytest.fixture
def history(monkeypatch):
    monkeypatch.setattr(recovery, "RETRY_S", 0)
    return FakeHistory()


@asynccontextmanager
async def running(history: FakeHistory, subscriptions: ChannelSubscriber | None = None):
    queue, subscriber = HistoryQueue(), subscriptions or FakeSubscriptions()
    hub = new_hub(Names(), subscriber, 1000, lambda channel: Policy(), queue=queue)
    task = asyncio.ensure_future(HistoryReader(hub, queue, history, history).run())
    try:
        yield hub
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Connecting:
    """A connection whose joins are pending."""

    def __init__(self, hub: Hub, *channels: str) -> None:
        self.connection = new_connection()
        self.connection.start_check()
        self._is_complete = asyncio.Event()
        identity = Identity("sid", "7", channels, None)
        self.join = ConnectSubscriptions(
            self.connection, identity, {}, new_room(self.connection, 100), self._complete
        )
        for channel, join in self.join.by_channel().items():
            hub.subscribe(self.connection, channel, join)

    async def complete(self) -> dict[str, SubscriptionResult]:
        async with asyncio.timeout(PATIENCE_S):
            await self._is_complete.wait()
        return self.join.results

    def _complete(self, join: ConnectSubscriptions) -> None:
        assert not self._is_complete.is_set()
        self._is_complete.set()


async def test_channels_of_one_moment_are_read_together(history):
    async with running(history) as hub:
        connects = [Connecting(hub, f"user:{n}", "broadcast") for n in range(3)]
        for connecting in connects:
            results = await connecting.complete()
            assert [at.position for at in results.values()] == [("e", 5)] * 2
    assert len(history.reads) == 1
    assert sorted(history.reads[0]) == ["broadcast", "user:0", "user:1", "user:2"]


async def test_live_channel_is_not_read_again(history):
    async with running(history) as hub:
        await Connecting(hub, "broadcast").complete()
        await Connecting(hub, "broadcast").complete()
    assert len(history.reads) == 1


@pytest.mark.parametrize("error", [BrokerUnavailable("away"), RuntimeError("a fault of ours")])
async def test_pending_joins_fail_while_redis_is_unavailable_and_later_ones_succeed(
    history, error, caplog
):
    caplog.set_level(logging.WARNING)
    async with running(history) as hub:
        history.error = error
        connecting = Connecting(hub, "user:1", "user:2")
        await connecting.complete()
        assert isinstance(connecting.join.error, BrokerUnavailable)
        assert connecting.connection.channels == ()
        assert hub.channels() == []
        history.error = None
        await Connecting(hub, "user:1").complete()
    assert "event=history_" in caplog.text


async def test_connection_that_leaves_completes_its_joins(history):
    async with running(history) as hub:
        connecting = Connecting(hub, "user:1", "user:2")
        hub.unsubscribe_all(connecting.connection)
        assert await connecting.complete() == {}
        await until(lambda: not hub.channels())


async def test_hub_recovers_from_a_lost_link_once_redis_is_available(history):
    async with running(history) as hub:
        await Connecting(hub, "broadcast").complete()
        history.error = BrokerUnavailable("away")
        hub.link_lost()
        await until(lambda: len(history.reads) > 3)
        assert list(hub.recovering())
        history.error = None
        await until(lambda: not list(hub.recovering()))


async def test_channel_whose_primary_is_away_delays_and_rejects_no_other(history):
    async with running(history) as hub:
        await Connecting(hub, "user:1").complete()
        history.away.add("user:1")
        hub.part_lost("node", [b"rt:user:1"])
        both = Connecting(hub, "user:1", "user:2")
        await both.complete()
        assert str(both.join.error) == "away"
        assert (await Connecting(hub, "user:3").complete())["user:3"].position == ("e", 5)
        assert list(hub.recovering()) == ["user:1"]
        history.away.clear()
        await until(lambda: not list(hub.recovering()))


async def test_all_channels_of_one_batch_that_can_be_read_are_read_together(history):
    history.away.add("user:2")
    async with running(history) as hub:
        one, away, two = (Connecting(hub, f"user:{n}") for n in (1, 2, 3))
        for connecting in (one, two):
            assert await connecting.complete()
        await away.complete()
        assert away.join.error
    assert history.reads == [["user:1", "user:3"]]


class SlowHistory(FakeHistory):
    """Histories so long that only a few can be read in time."""

    async def read_many(self, requests) -> list[HistoryReply]:
        readings = await super().read_many(requests)
        if len(requests) > 3:
            raise BrokerUnavailable("TimeoutError")
        return readings


async def test_batch_that_times_out_is_read_in_smaller_parts(monkeypatch):
    monkeypatch.setattr(recovery, "RETRY_S", 0)
    history, channels = SlowHistory(), [f"user:{n}" for n in range(9)]
    async with running(history) as hub:
        for channel in channels:
            await Connecting(hub, channel).complete()
        hub.link_lost()
        await until(lambda: not list(hub.recovering()))
        history.reads.clear()
        await Connecting(hub, "user:10").complete()
    assert [len(read) for read in history.reads] == [1]


class StateHistory(FakeHistory):
    """Histories that the test reads, and confirmations of a real state."""

    def __init__(self, state: SubscriptionState) -> None:
        super().__init__()
        self.state = state
        self.may_answer = asyncio.Event()

    async def read_many(self, requests) -> list[HistoryReply]:
        await self.may_answer.wait()
        return await super().read_many(requests)

    async def confirmed(self, channels) -> dict[str, BrokerUnavailable]:
        await self.state.confirmations(self.state.unconfirmed(channels))
        return {}

    def confirm(self) -> None:
        for key in self.state.take_changes()[1]:
            self.state.confirm(key)


async def test_channel_that_was_released_in_the_queue_delays_no_other(clock):
    """Redis is slow, and a connection leaves before its channel is read."""
    state = SubscriptionState(Names(), clock.wheel, 5.0, ())
    history = StateHistory(state)
    async with running(history, state) as hub:
        Connecting(hub, "user:1")
        history.confirm()
        await turn_loop()
        hub.unsubscribe_all(Connecting(hub, "user:2").connection)
        clock.advance(6)
        history.may_answer.set()
        await turn_loop()
        connecting = Connecting(hub, "user:3")
        history.confirm()
        assert list(await connecting.complete()) == ["user:3"]
