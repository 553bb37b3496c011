"""Which channels are wanted, which are confirmed, and which waits end."""

import asyncio

import pytest
from sockgate_gateway.broker.subscription_state import SubscriptionState
from sockgate_gateway.errors import BrokerUnavailable
from sockgate_gateway.wire.names import Names

from tests.waiting import PATIENCE_S, turn_loop

RELEASE_S = 5.0
CONTROL = b"sockgate:control"
A = b"rt:a"


@pytest.fixture
def state(clock):
    return SubscriptionState(Names(), clock.wheel, RELEASE_S, (CONTROL,))


def linked(state: SubscriptionState) -> SubscriptionState:
    """Begin on a link, where the permanent channels are confirmed."""
    state.start_over()
    state.take_changes()
    state.confirm(CONTROL)
    return state


def subscribed(state: SubscriptionState, channel: str = "a") -> SubscriptionState:
    state.subscribe(channel)
    state.take_changes()
    state.confirm(b"rt:" + channel.encode())
    return state


def test_state_begins_with_the_permanent_channels(state):
    state.start_over()
    assert state.changed.is_set()
    assert state.take_changes() == (set(), {CONTROL})
    assert not state.changed.is_set()


def test_channel_is_confirmed_by_redis_alone(state):
    linked(state).subscribe("a")
    assert state.unconfirmed(["a"]) == [A]
    assert state.take_changes() == (set(), {A})
    assert state.unconfirmed(["a"]) == [A]
    state.confirm(A)
    assert state.unconfirmed(["a"]) == state.all_unconfirmed() == []
    assert len(state) == 2


def test_changes_of_one_turn_leave_together(state):
    linked(state)
    for channel in "abc":
        state.subscribe(channel)
    assert state.take_changes() == (set(), {b"rt:a", b"rt:b", b"rt:c"})
    assert state.take_changes() == (set(), set())


def test_unsubscribed_channel_stays_for_the_release_delay(state, clock):
    subscribed(linked(state)).unsubscribe("a")
    clock.advance(RELEASE_S - 0.5)
    assert state.take_changes() == (set(), set())
    assert state.unconfirmed(["a"]) == []
    clock.advance(2)
    assert state.changed.is_set()
    assert state.take_changes() == ({A}, set())
    assert state.unconfirmed(["a"]) == [A]


def test_channel_that_is_subscribed_again_in_time_is_never_released(state, clock):
    subscribed(linked(state)).unsubscribe("a")
    clock.advance(RELEASE_S - 1)
    state.subscribe("a")
    clock.advance(3 * RELEASE_S)
    assert state.take_changes() == (set(), set())
    assert state.unconfirmed(["a"]) == []


def test_release_delay_begins_with_each_unsubscribe(state, clock):
    subscribed(linked(state)).unsubscribe("a")
    clock.advance(RELEASE_S - 1)
    state.subscribe("a")
    state.unsubscribe("a")
    clock.advance(RELEASE_S - 1)
    assert state.take_changes() == (set(), set())
    clock.advance(2)
    assert state.take_changes() == ({A}, set())


def test_channel_released_before_it_was_sent_costs_no_command(state, clock):
    linked(state).subscribe("a")
    state.unsubscribe("a")
    clock.advance(RELEASE_S + 1)
    assert state.take_changes() == (set(), set())


def test_channel_subscribed_right_after_its_release_is_sent_after_it(state, clock):
    subscribed(linked(state)).unsubscribe("a")
    clock.advance(RELEASE_S + 1)
    state.subscribe("a")
    assert state.take_changes() == ({A}, {A})
    assert state.unconfirmed(["a"]) == [A]


def test_reply_to_an_earlier_subscribe_does_not_confirm_a_later_one(state, clock):
    linked(state).subscribe("a")
    state.take_changes()
    state.unsubscribe("a")
    clock.advance(RELEASE_S + 1)
    state.subscribe("a")
    state.take_changes()
    state.confirm(A)
    assert state.unconfirmed(["a"]) == [A]
    state.confirm(A)
    assert state.unconfirmed(["a"]) == []


def test_new_link_subscribes_all_wanted_channels(state):
    subscribed(linked(state))
    state.fail()
    assert state.unconfirmed(["a"]) == [A]
    state.start_over()
    assert state.take_changes() == (set(), {CONTROL, A})
    state.confirm(A)
    assert state.unconfirmed(["a"]) == []


def test_new_link_drops_the_unanswered_commands_of_the_old_one(state):
    linked(state).subscribe("a")
    state.take_changes()
    state.fail()
    state.start_over()
    state.take_changes()
    state.confirm(A)
    assert state.unconfirmed(["a"]) == []


def test_released_channel_is_not_subscribed_on_a_new_link(state, clock):
    subscribed(linked(state)).unsubscribe("a")
    clock.advance(RELEASE_S + 1)
    state.start_over()
    assert state.take_changes() == (set(), {CONTROL})


async def test_confirmation_ends_every_wait(state):
    linked(state).subscribe("a")
    waiting = [asyncio.ensure_future(state.confirmations([A])) for _ in range(2)]
    await turn_loop()
    assert not any(task.done() for task in waiting)
    state.take_changes()
    state.confirm(A)
    await asyncio.gather(*waiting)


async def test_lost_link_ends_every_wait_with_an_error(state):
    linked(state).subscribe("a")
    waiting = [asyncio.ensure_future(state.confirmations([A])) for _ in range(2)]
    await turn_loop()
    state.fail()
    for task in waiting:
        with pytest.raises(BrokerUnavailable):
            await task


async def test_release_ends_the_wait(state, clock):
    linked(state).subscribe("a")
    waiting = asyncio.ensure_future(state.confirmations([A]))
    await turn_loop()
    state.unsubscribe("a")
    clock.advance(RELEASE_S + 1)
    async with asyncio.timeout(PATIENCE_S):
        await waiting


async def test_released_channel_is_not_waited_for(state, clock):
    subscribed(linked(state)).unsubscribe("a")
    clock.advance(RELEASE_S + 1)
    async with asyncio.timeout(PATIENCE_S):
        await state.confirmations(state.unconfirmed(["a"]))


async def test_cancelled_wait_does_not_disturb_others(state):
    linked(state).subscribe("a")
    gone = asyncio.ensure_future(state.confirmations([A]))
    stays = asyncio.ensure_future(state.confirmations([A]))
    await turn_loop()
    gone.cancel()
    await turn_loop()
    state.take_changes()
    state.confirm(A)
    await stays
    assert gone.cancelled()


def test_subscription_that_redis_has_ended_is_made_again(state):
    subscribed(linked(state))
    assert state.renew(A)
    assert A not in state
    assert state.take_changes() == (set(), {A})
    assert not state.renew(A)  # It is the answer to an unsubscribe.
    state.confirm(A)
    assert A in state


def test_forgotten_channel_is_not_unsubscribed_and_may_come_back(state):
    linked(state).subscribe("a")
    state.take_changes()
    state.forget(A)
    assert state.take_changes() == (set(), set())
    assert A not in state.wanted
    state.add(A)
    state.take_changes()
    state.confirm(A)
    assert A in state


async def test_wait_for_a_channel_that_was_confirmed_meanwhile_ends_at_once(state):
    subscribed(linked(state))
    async with asyncio.timeout(PATIENCE_S):
        await state.confirmations([A])
