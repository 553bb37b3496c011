"""What is wanted, what Redis has confirmed, and who waits for it."""

import asyncio

import pytest

from gateway.broker.ledger import Ledger
from gateway.errors import BrokerUnavailable
from gateway.wire.names import Names
from tests.waiting import PATIENCE_S, turn_loop

RELEASE_S = 5.0
CONTROL = b"sockgate:control"
A = b"rt:a"


@pytest.fixture
def ledger(clock):
    return Ledger(Names(), clock.wheel, RELEASE_S, (CONTROL,))


def linked(ledger: Ledger) -> Ledger:
    """Begin on a link, where the permanent channels are confirmed."""
    ledger.start_over()
    ledger.take_changes()
    ledger.confirm(CONTROL)
    return ledger


def subscribed(ledger: Ledger, channel: str = "a") -> Ledger:
    ledger.want(channel)
    ledger.take_changes()
    ledger.confirm(b"rt:" + channel.encode())
    return ledger


def test_ledger_begins_with_what_is_permanent(ledger):
    ledger.start_over()
    assert ledger.changed.is_set()
    assert ledger.take_changes() == (set(), {CONTROL})
    assert not ledger.changed.is_set()


def test_wanted_channel_is_confirmed_by_redis_alone(ledger):
    linked(ledger).want("a")
    assert ledger.unconfirmed(["a"]) == [A]
    assert ledger.take_changes() == (set(), {A})
    assert ledger.unconfirmed(["a"]) == [A]
    ledger.confirm(A)
    assert ledger.unconfirmed(["a"]) == ledger.unconfirmed_wanted() == []
    assert len(ledger) == 2


def test_changes_of_one_turn_leave_together(ledger):
    linked(ledger)
    for channel in "abc":
        ledger.want(channel)
    assert ledger.take_changes() == (set(), {b"rt:a", b"rt:b", b"rt:c"})
    assert ledger.take_changes() == (set(), set())


def test_unwanted_channel_is_kept_for_a_while(ledger, clock):
    subscribed(linked(ledger)).unwant("a")
    clock.advance(RELEASE_S - 0.5)
    assert ledger.take_changes() == (set(), set())
    assert ledger.unconfirmed(["a"]) == []
    clock.advance(2)
    assert ledger.changed.is_set()
    assert ledger.take_changes() == ({A}, set())
    assert ledger.unconfirmed(["a"]) == [A]


def test_channel_that_is_wanted_again_in_time_is_never_released(ledger, clock):
    subscribed(linked(ledger)).unwant("a")
    clock.advance(RELEASE_S - 1)
    ledger.want("a")
    clock.advance(3 * RELEASE_S)
    assert ledger.take_changes() == (set(), set())
    assert ledger.unconfirmed(["a"]) == []


def test_wait_begins_anew_with_each_leaving(ledger, clock):
    subscribed(linked(ledger)).unwant("a")
    clock.advance(RELEASE_S - 1)
    ledger.want("a")
    ledger.unwant("a")
    clock.advance(RELEASE_S - 1)
    assert ledger.take_changes() == (set(), set())
    clock.advance(2)
    assert ledger.take_changes() == ({A}, set())


def test_channel_released_before_it_was_sent_costs_no_command(ledger, clock):
    linked(ledger).want("a")
    ledger.unwant("a")
    clock.advance(RELEASE_S + 1)
    assert ledger.take_changes() == (set(), set())


def test_channel_wanted_right_after_its_release_is_subscribed_after_it(ledger, clock):
    subscribed(linked(ledger)).unwant("a")
    clock.advance(RELEASE_S + 1)
    ledger.want("a")
    assert ledger.take_changes() == ({A}, {A})
    assert ledger.unconfirmed(["a"]) == [A]


def test_answer_to_an_earlier_subscribe_confirms_nothing(ledger, clock):
    linked(ledger).want("a")
    ledger.take_changes()
    ledger.unwant("a")
    clock.advance(RELEASE_S + 1)
    ledger.want("a")
    ledger.take_changes()
    ledger.confirm(A)
    assert ledger.unconfirmed(["a"]) == [A]
    ledger.confirm(A)
    assert ledger.unconfirmed(["a"]) == []


def test_new_link_subscribes_everything_wanted(ledger):
    subscribed(linked(ledger))
    ledger.fail()
    assert ledger.unconfirmed(["a"]) == [A]
    ledger.start_over()
    assert ledger.take_changes() == (set(), {CONTROL, A})
    ledger.confirm(A)
    assert ledger.unconfirmed(["a"]) == []


def test_new_link_forgets_what_the_old_one_did_not_answer(ledger):
    linked(ledger).want("a")
    ledger.take_changes()
    ledger.fail()
    ledger.start_over()
    ledger.take_changes()
    ledger.confirm(A)
    assert ledger.unconfirmed(["a"]) == []


def test_released_channel_is_not_subscribed_on_a_new_link(ledger, clock):
    subscribed(linked(ledger)).unwant("a")
    clock.advance(RELEASE_S + 1)
    ledger.start_over()
    assert ledger.take_changes() == (set(), {CONTROL})


async def test_who_waits_is_told_of_the_confirmation(ledger):
    linked(ledger).want("a")
    waiting = [asyncio.ensure_future(ledger.confirmations([A])) for _ in range(2)]
    await turn_loop()
    assert not any(task.done() for task in waiting)
    ledger.take_changes()
    ledger.confirm(A)
    await asyncio.gather(*waiting)


async def test_who_waits_is_told_of_a_lost_link(ledger):
    linked(ledger).want("a")
    waiting = [asyncio.ensure_future(ledger.confirmations([A])) for _ in range(2)]
    await turn_loop()
    ledger.fail()
    for task in waiting:
        with pytest.raises(BrokerUnavailable):
            await task


async def test_released_channel_keeps_nobody_waiting(ledger, clock):
    linked(ledger).want("a")
    waiting = asyncio.ensure_future(ledger.confirmations([A]))
    await turn_loop()
    ledger.unwant("a")
    clock.advance(RELEASE_S + 1)
    async with asyncio.timeout(PATIENCE_S):
        await waiting


async def test_channel_that_nobody_wants_any_more_is_not_waited_for(ledger, clock):
    subscribed(linked(ledger)).unwant("a")
    clock.advance(RELEASE_S + 1)
    async with asyncio.timeout(PATIENCE_S):
        await ledger.confirmations(ledger.unconfirmed(["a"]))


async def test_who_stops_waiting_does_not_disturb_others(ledger):
    linked(ledger).want("a")
    gone = asyncio.ensure_future(ledger.confirmations([A]))
    stays = asyncio.ensure_future(ledger.confirmations([A]))
    await turn_loop()
    gone.cancel()
    await turn_loop()
    ledger.take_changes()
    ledger.confirm(A)
    await stays
    assert gone.cancelled()
