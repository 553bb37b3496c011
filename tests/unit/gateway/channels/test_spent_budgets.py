"""Nothing is read for a user whose budget is spent, nor for nobody; what was read is charged."""

import pytest
from sockgate_gateway.channels.history import HistoryReply, HistoryRequest

from tests.unit.gateway.channels.single_channel import (
    RecordedJoin,
    live_channel,
    new_channel,
    pub,
    received,
    reply,
    subscriber,
)
from tests.unit.gateway.channels.test_recovery import Connecting, FakeHistory, history, running

__all__ = ["history"]


def spent_join(**options) -> RecordedJoin:
    join = RecordedJoin(**options)
    join.room.spend(10 * 10_000, is_delivered=False)
    return join


def left_bytes(join: RecordedJoin) -> float:
    return join.room._budgets.left(join.room._owner)


@pytest.mark.parametrize("asked", [{}, {"since": ("", 0)}, {"since": ("e", 1)}, {"newest": 3}])
def test_new_channel_reads_only_its_position_for_a_user_whose_budget_is_spent(asked):
    channel, connection, join = new_channel(state="latest"), subscriber(), spent_join(**asked)
    channel.subscribe(connection, join)
    assert channel.history_request() == HistoryRequest("room:7", None, None)
    channel.apply_history(HistoryReply(("e", 5)))
    assert join.outcomes == [(("e", 5), False)]
    assert channel.is_live
    assert received(connection) == []


@pytest.mark.parametrize("asked", [{}, {"since": ("", 0)}, {"since": ("e", 1)}, {"newest": 3}])
def test_live_channel_is_not_read_for_a_user_whose_budget_is_spent(asked):
    channel, stayed = live_channel(last=5, state="latest")
    join = spent_join(**asked)
    assert channel.subscribe(subscriber(), join)
    assert join.outcomes == [(("e", 5), False)]
    assert received(stayed) == []


def test_others_receive_the_newest_publication_beside_a_user_whose_budget_is_spent():
    channel, connection, spent = new_channel(state="latest"), subscriber(), spent_join()
    channel.subscribe(subscriber(), spent)
    channel.subscribe(connection, RecordedJoin())
    assert channel.history_request() == HistoryRequest("room:7", None, -1)
    channel.apply_history(reply(5, first=5))
    assert received(connection) == [5]
    assert spent.outcomes == [(("e", 5), False)]


def test_connections_whose_position_is_not_known_receive_the_newest_publication():
    channel, _ = live_channel(last=5, state="latest")
    channel.position = None
    channel.link_lost()
    assert channel.history_request() == HistoryRequest("room:7", None, -1)


@pytest.mark.parametrize(
    ("asked", "size_bytes"), [({}, 1), ({"since": ("e", 2)}, 3), ({"newest": 2}, 2)]
)
def test_what_was_read_for_a_subscription_that_was_cancelled_is_charged(asked, size_bytes):
    channel, connection, join = new_channel(state="latest"), subscriber(), RecordedJoin(**asked)
    channel.subscribe(connection, join)
    channel.history_request()
    before = left_bytes(join)
    channel.unsubscribe(connection)
    channel.apply_history(reply(5))
    assert before - left_bytes(join) == pytest.approx(size_bytes)


def test_cancelled_before_the_request_nothing_is_charged():
    channel, connection, join = new_channel(state="latest"), subscriber(), RecordedJoin()
    channel.subscribe(connection, join)
    before = left_bytes(join)
    channel.unsubscribe(connection)
    channel.subscribe(subscriber(), RecordedJoin())
    channel.history_request()
    channel.apply_history(reply(5))
    assert left_bytes(join) == before


def test_newest_publication_that_is_too_large_to_be_delivered_is_charged():
    channel, join = new_channel(state="latest"), RecordedJoin(room_bytes=10)
    channel.subscribe(subscriber(), join)
    channel.history_request()
    before = left_bytes(join)
    channel.apply_history(HistoryReply(("e", 1), (pub(1),)))
    assert before - left_bytes(join) == pytest.approx(1)


async def test_channel_that_everybody_has_left_is_not_read(history: FakeHistory):
    async with running(history) as hub:
        hub.unsubscribe_all(Connecting(hub, "user:1").connection)
        await Connecting(hub, "user:2").complete()
        assert history.reads == [["user:2"]]
