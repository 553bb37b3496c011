"""Joins that receive the newest publications: newcomers, and clients whose position is lost."""

import json

import pytest
from sockgate_gateway.channels.history import HistoryReply, HistoryRequest
from sockgate_gateway.channels.pending_subscriptions import SingleSubscription
from sockgate_gateway.wire.contract import Subscribe
from sockgate_gateway.wire.namespaces import Policy
from sockgate_gateway.wire.publication import Publication

from tests.unit.gateway.channels.single_channel import (
    GAP,
    RecordedJoin,
    live_channel,
    new_channel,
    pub,
    publish,
    received,
    reply,
    subscriber,
)
from tests.unit.gateway.fakes import new_room

ALL = 2**53


def joined(history: HistoryReply, join: RecordedJoin, state: str = "none") -> list:
    """What a connection receives that joins a channel which is new in this worker."""
    channel, connection = new_channel(state=state), subscriber()
    channel.subscribe(connection, join)
    channel.history_request()
    channel.apply_history(history)
    return received(connection)


@pytest.mark.parametrize(("newest", "after"), [(1, -1), (20, -20), (ALL, -ALL)])
def test_new_channel_requests_the_newest_publications(newest, after):
    channel = new_channel()
    channel.subscribe(subscriber(), RecordedJoin(newest=1))
    channel.subscribe(subscriber(), RecordedJoin(newest=newest))
    assert channel.history_request() == HistoryRequest("room:7", None, after)


def test_channel_with_a_state_requests_the_newest_publication_for_a_newcomer():
    channel = new_channel(state="latest")
    channel.subscribe(subscriber(), RecordedJoin())
    assert channel.history_request() == HistoryRequest("room:7", None, -1)


def test_known_channel_requests_from_before_the_newest():
    channel, _ = live_channel(last=50)
    channel.subscribe(subscriber(), RecordedJoin(since=("e", 45)))
    channel.subscribe(subscriber(), RecordedJoin(newest=20))
    assert channel.history_request() == HistoryRequest("room:7", ("e", 50), 30)


@pytest.mark.parametrize(
    ("newest", "first", "expected"),
    [(1, 1, [5]), (3, 1, [3, 4, 5]), (5, 1, [1, 2, 3, 4, 5]), (ALL, 4, [4, 5]), (9, 6, [])],
)
def test_newcomer_receives_the_newest_that_are_kept(newest, first, expected):
    join = RecordedJoin(newest=newest)
    assert joined(reply(5, first), join) == expected
    assert join.outcomes == [(("e", 5 - len(expected)), True)]


def test_newcomer_to_a_state_receives_the_newest_publication_and_what_follows():
    channel, connection, join = new_channel(state="latest"), subscriber(), RecordedJoin()
    channel.subscribe(connection, join)
    publish(channel, pub(3))
    channel.history_request()
    publish(channel, pub(4), pub(5))
    channel.apply_history(reply(4, first=4))
    assert join.outcomes == [(("e", 3), None)]
    assert received(connection) == [4, 5]


def test_newcomer_to_a_live_state_holds_nobody_up_for_long():
    channel, stayed = live_channel(last=5, state="latest")
    join, connection = RecordedJoin(), subscriber()
    assert not channel.subscribe(connection, join)
    assert channel.history_request() == HistoryRequest("room:7", ("e", 5), 4)
    publish(channel, pub(6))
    channel.apply_history(reply(5, first=5))
    assert received(connection) == [5, 6]
    assert received(stayed) == [6]


def test_channel_without_publications_has_no_state():
    join = RecordedJoin()
    assert joined(HistoryReply(("e", 0)), join, state="latest") == []
    assert join.outcomes == [(("e", 0), None)]


def test_join_with_a_position_during_a_read_of_the_newest_waits_for_the_next():
    channel, join, connection = new_channel(), RecordedJoin(("e", 1)), subscriber()
    channel.subscribe(subscriber(), RecordedJoin(newest=1))
    channel.history_request()
    channel.subscribe(connection, join)
    channel.apply_history(reply(3, first=3))
    assert not join.outcomes
    assert channel.history_request() == HistoryRequest("room:7", ("e", 3), 1)
    channel.apply_history(reply(3, first=2))
    assert received(connection) == [2, 3]


def test_newcomer_during_a_read_from_a_position_waits_for_the_next():
    channel, join, connection = new_channel(), RecordedJoin(newest=3), subscriber()
    channel.subscribe(subscriber(), RecordedJoin(("e", 4)))
    channel.history_request()
    channel.subscribe(connection, join)
    channel.apply_history(reply(5, first=5))
    assert not join.outcomes
    channel.history_request()
    channel.apply_history(reply(5, first=3))
    assert received(connection) == [3, 4, 5]


def test_only_the_newest_that_are_within_the_room_are_delivered():
    size = len(b'{"channel":"room:7","data":5,"offset":5}')
    join = RecordedJoin(newest=ALL, room_bytes=2 * size)
    assert joined(reply(5), join) == [4, 5]
    assert join.outcomes == [(("e", 3), True)]
    assert join.room.left_bytes == 0


@pytest.mark.parametrize("newest", [0, 2])
def test_newcomer_receives_a_gap_where_not_even_the_newest_is_within_the_room(newest):
    join = RecordedJoin(newest=newest, room_bytes=10)
    assert joined(reply(5), join, state="latest") == []
    assert join.outcomes == [(("e", 5), False)]


def test_newcomer_receives_a_gap_without_a_read_when_the_budget_is_spent():
    channel, _ = live_channel(last=5, state="latest")
    join = RecordedJoin()
    join.room.spend(10 * 10_000, is_delivered=False)
    assert channel.subscribe(subscriber(), join)
    assert join.outcomes == [(("e", 5), False)]


def test_namespace_without_recovery_has_nothing_for_a_newcomer():
    channel, join, connection = new_channel(recover=False), RecordedJoin(newest=5), subscriber()
    channel.subscribe(connection, join)
    channel.history_request()
    channel.apply_history(HistoryReply(None))
    assert join.outcomes == [(None, False)]
    assert received(connection) == []


@pytest.mark.parametrize(
    ("payloads", "position", "expected"),
    [
        ((b"1", b"2", b""), 0, [1, 2]),
        ((b"", b"2", b"3"), 1, [2, 3]),
        ((b"", b"", b""), 3, []),
    ],
)
def test_no_hole_is_before_the_first_publication(payloads, position, expected):
    recent = tuple(Publication(text, "e", at) for at, text in enumerate(payloads, 1))
    join = RecordedJoin(newest=3)
    assert joined(HistoryReply(("e", 3), recent), join) == expected
    assert join.outcomes == [(("e", position), True)]


def test_lost_position_is_a_gap_and_then_the_state():
    join = RecordedJoin(("other", 3))
    assert joined(reply(5), join, state="latest") == [5]
    assert join.outcomes == [(("e", 4), False)]


def test_lost_position_is_only_a_gap_without_a_state():
    join = RecordedJoin(("other", 3))
    assert joined(reply(5), join) == []
    assert join.outcomes == [(("e", 5), False)]


def test_subscribed_connection_receives_the_state_after_a_gap():
    channel, connection = live_channel(last=5, state="latest")
    channel.link_lost()
    channel.history_request()
    channel.apply_history(reply(9, first=9, epoch="other"))
    assert received(connection) == [GAP, 9]
    assert json.loads(connection.transport.frames[0])["offset"] == 8


def test_policy_may_get_a_state():
    channel, _ = live_channel(last=5)
    channel.apply_policy(Policy(state="latest"))
    join, connection = RecordedJoin(), subscriber()
    assert not channel.subscribe(connection, join)
    channel.history_request()
    channel.apply_history(reply(5, first=5))
    assert received(connection) == [5]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (20, "all", [True, True]),
        ("all", None, [True, None]),
        (None, 20, [None, False]),
        (20, ("e", 4), [True, False]),
        (("e", 4), ("e", 4), [True, True]),
    ],
)
def test_two_requests_that_wait_are_answered_together(first, second, expected):
    channel, connection = new_channel(), subscriber()
    frames = [Subscribe("room:7", recover=asked, id=at) for at, asked in enumerate((first, second))]
    room = new_room(connection, 10_000)
    join = SingleSubscription(connection, "room:7", room, dict, frames[0])
    channel.subscribe(connection, join)
    join.add(frames[1])
    channel.history_request()
    channel.apply_history(reply(5))
    sent = [json.loads(frame) for frame in connection.transport.frames]
    answers = [frame for frame in sent if frame.get("type") == "subscribed"]
    assert [frame.get("recovered") for frame in answers] == expected
    assert answers[0]["offset"] + len(sent) - len(answers) == 5
