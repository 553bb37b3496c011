"""Reading for many routes at once, and what follows when Redis cannot be asked."""

import asyncio
import logging
from contextlib import asynccontextmanager

import pytest

from gateway import catchup
from gateway.broker.ledger import Ledger
from gateway.catchup import CatchUp
from gateway.connection import Identity, State
from gateway.errors import BrokerUnavailable
from gateway.hub import Hub, Subscriptions
from gateway.newcomers import Arrival, Standing
from gateway.recovery import Reading
from gateway.wire.names import Names
from gateway.wire.namespaces import Policy
from tests.waiting import PATIENCE_S, turn_loop, until

from .fakes import new_connection
from .test_hub import FakeSubscriptions


class FakeHistory:
    """Histories, each at offset 5, and confirmations."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.error: Exception | None = None

    async def read_many(self, questions) -> list[Reading]:
        self.asked.append([question.channel for question in questions])
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return [Reading(("e", 5)) for _ in questions]

    async def confirmed(self, channels) -> None:
        await asyncio.sleep(0)


@pytest.fixture
def history(monkeypatch):
    monkeypatch.setattr(catchup, "RETRY_S", 0)
    return FakeHistory()


@asynccontextmanager
async def running(history: FakeHistory, subscriptions: Subscriptions | None = None):
    hub = Hub(Names(), subscriptions or FakeSubscriptions(), 1000, lambda channel: Policy())
    task = asyncio.ensure_future(CatchUp(hub, history, history).run())
    try:
        yield hub
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Arriving:
    """A connection on its way to its channels."""

    def __init__(self, hub: Hub, *channels: str) -> None:
        self.connection = new_connection()
        self.connection.enter(State.CHECKING)
        self._has_settled = asyncio.Event()
        identity = Identity("sid", "7", channels, None)
        self.arrival = Arrival(self.connection, identity, {}, 100, self._settle)
        for channel, newcomer in self.arrival.newcomers.items():
            hub.join(self.connection, channel, newcomer)

    async def complete(self) -> dict[str, Standing]:
        async with asyncio.timeout(PATIENCE_S):
            await self._has_settled.wait()
        return self.arrival.standings

    def _settle(self, arrival: Arrival) -> None:
        assert not self._has_settled.is_set()
        self._has_settled.set()


async def test_channels_of_one_moment_are_read_together(history):
    async with running(history) as hub:
        arrivals = [Arriving(hub, f"user:{n}", "broadcast") for n in range(3)]
        for arrival in arrivals:
            standings = await arrival.complete()
            assert [at.position for at in standings.values()] == [("e", 5)] * 2
    assert len(history.asked) == 1
    assert sorted(history.asked[0]) == ["broadcast", "user:0", "user:1", "user:2"]


async def test_channel_that_is_known_is_not_read_again(history):
    async with running(history) as hub:
        await Arriving(hub, "broadcast").complete()
        await Arriving(hub, "broadcast").complete()
    assert len(history.asked) == 1


@pytest.mark.parametrize("error", [BrokerUnavailable("away"), RuntimeError("a fault of ours")])
async def test_newcomers_are_told_when_nothing_can_be_read_and_the_next_are_served(
    history, error, caplog
):
    caplog.set_level(logging.WARNING)
    async with running(history) as hub:
        history.error = error
        arriving = Arriving(hub, "user:1", "user:2")
        await arriving.complete()
        assert isinstance(arriving.arrival.error, BrokerUnavailable)
        assert arriving.connection.channels == ()
        assert hub.channels() == []
        history.error = None
        await Arriving(hub, "user:1").complete()
    assert "event=history_" in caplog.text


async def test_who_leaves_while_he_waits_keeps_nobody_waiting(history):
    async with running(history) as hub:
        arriving = Arriving(hub, "user:1", "user:2")
        hub.leave_all(arriving.connection)
        assert await arriving.complete() == {}
        await until(lambda: not hub.channels())


async def test_lost_link_is_healed_when_it_can_be_read_again(history):
    async with running(history) as hub:
        await Arriving(hub, "broadcast").complete()
        history.error = BrokerUnavailable("away")
        hub.link_lost()
        await until(lambda: len(history.asked) > 3)
        assert hub.is_healing
        history.error = None
        await until(lambda: not hub.is_healing)


class SlowHistory(FakeHistory):
    """Histories that are too long for more than a few to be read in time."""

    async def read_many(self, questions) -> list[Reading]:
        readings = await super().read_many(questions)
        if len(questions) > 3:
            raise BrokerUnavailable("TimeoutError")
        return readings


async def test_what_takes_too_long_at_once_is_read_in_smaller_parts(monkeypatch):
    monkeypatch.setattr(catchup, "RETRY_S", 0)
    history, channels = SlowHistory(), [f"user:{n}" for n in range(9)]
    async with running(history) as hub:
        for channel in channels:
            await Arriving(hub, channel).complete()
        hub.link_lost()
        await until(lambda: not hub.is_healing)
        history.asked.clear()
        await Arriving(hub, "user:10").complete()
    assert [len(asked) for asked in history.asked] == [1]


class LedgerHistory(FakeHistory):
    """Histories that are read when the test says so, and confirmations of a real ledger."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger
        self.may_answer = asyncio.Event()

    async def read_many(self, questions) -> list[Reading]:
        await self.may_answer.wait()
        return await super().read_many(questions)

    async def confirmed(self, channels) -> None:
        await self.ledger.confirmations(self.ledger.unconfirmed(channels))

    def confirm(self) -> None:
        for key in self.ledger.take_changes()[1]:
            self.ledger.confirm(key)


async def test_channel_that_was_released_in_the_queue_keeps_nobody_waiting(clock):
    """Redis is slow; somebody comes and goes for good before it is his turn."""
    ledger = Ledger(Names(), clock.wheel, 5.0, ())
    history = LedgerHistory(ledger)
    async with running(history, ledger) as hub:
        Arriving(hub, "user:1")
        history.confirm()
        await turn_loop()
        hub.leave_all(Arriving(hub, "user:2").connection)
        clock.advance(6)
        history.may_answer.set()
        await turn_loop()
        arriving = Arriving(hub, "user:3")
        history.confirm()
        assert list(await arriving.complete()) == ["user:3"]
