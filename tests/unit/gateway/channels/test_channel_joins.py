"""Joins of one channel: what they receive, and when."""

import json

import pytest
from sockgate_gateway.channels.history import HistoryReply, HistoryRequest
from sockgate_gateway.errors import BrokerUnavailable

from tests.unit.gateway.channels.single_channel import (
    RecordedJoin,
    live_channel,
    new_channel,
    plain,
    pub,
    publish,
    received,
    reply,
    subscriber,
)


def test_request_is_for_the_position_alone_without_recovery():
    channel = new_channel()
    channel.subscribe(subscriber(), RecordedJoin())
    assert channel.history_request() == HistoryRequest("room:7", None, None)


def test_join_receives_the_position_and_what_follows():
    channel, join, connection = new_channel(), RecordedJoin(), subscriber()
    assert not channel.subscribe(connection, join)
    channel.history_request()
    publish(channel, pub(3))
    assert channel.apply_history(reply(2)) == [connection]
    assert join.outcomes == [(("e", 2), None)]
    assert received(connection) == [3]


def test_join_with_recovery_receives_missed_publications_once():
    channel, _ = live_channel(last=5)
    join, connection = RecordedJoin(since=("e", 3)), subscriber()
    assert not channel.subscribe(connection, join)
    assert channel.history_request() == HistoryRequest("room:7", ("e", 5), 3)
    publish(channel, pub(6), plain("plain"), pub(7))
    channel.apply_history(reply(6))
    assert join.outcomes == [(("e", 3), True)]
    assert received(connection) == [4, 5, 6, "plain", 7]


def test_join_during_a_read_that_lacks_its_offsets_waits_for_the_next():
    channel, joins = live_channel(last=5)[0], [RecordedJoin(("e", 5)), RecordedJoin(("e", 1))]
    first, second = subscriber(), subscriber()
    channel.link_lost()
    channel.history_request()
    channel.subscribe(first, joins[0])
    channel.subscribe(second, joins[1])
    assert channel.apply_history(reply(6, first=6)) == [first]
    assert not channel.is_live
    assert channel.history_request() == HistoryRequest("room:7", ("e", 6), 1)
    publish(channel, pub(7))
    assert channel.apply_history(reply(6)) == [second]
    assert joins[1].outcomes == [(("e", 1), True)]
    assert received(second) == [2, 3, 4, 5, 6, 7]
    assert received(first) == [6, 7]


def test_join_while_only_the_position_is_read_waits_for_the_next():
    channel, join, connection = new_channel(), RecordedJoin(("e", 1)), subscriber()
    channel.subscribe(subscriber(), RecordedJoin())
    channel.history_request()
    channel.subscribe(connection, join)
    channel.apply_history(HistoryReply(("e", 3)))
    assert channel.history_request() == HistoryRequest("room:7", ("e", 3), 1)
    channel.apply_history(reply(3))
    assert join.outcomes == [(("e", 1), True)]
    assert received(connection) == [2, 3]


def test_subscribed_connection_receives_everything_once_while_another_recovers():
    channel, stayed = live_channel(last=5)
    channel.subscribe(subscriber(), RecordedJoin(since=("e", 0)))
    channel.history_request()
    publish(channel, pub(6), pub(7))
    channel.apply_history(reply(6))
    publish(channel, pub(8))
    assert received(stayed) == [6, 7, 8]


@pytest.mark.parametrize("since", [None, ("e", 5)])
def test_join_that_missed_nothing_needs_no_history(since):
    channel, _ = live_channel(last=5)
    join = RecordedJoin(since)
    assert channel.subscribe(subscriber(), join)
    assert join.outcomes == [(("e", 5), None if since is None else True)]
    assert channel.is_live


@pytest.mark.parametrize(
    ("since", "history"),
    [
        pytest.param(("other", 3), reply(5), id="another epoch"),
        pytest.param(("e", 1), reply(5, first=4), id="too long ago"),
        pytest.param(("e", 9), reply(5), id="the future"),
        pytest.param(("e", 1), HistoryReply(None), id="no epoch"),
    ],
)
def test_join_that_cannot_recover_receives_the_current_position(since, history):
    channel, join, connection = new_channel(), RecordedJoin(since), subscriber()
    channel.subscribe(connection, join)
    channel.history_request()
    channel.apply_history(history)
    assert join.outcomes == [(history.position, False)]
    assert received(connection) == []


def test_missed_publications_beyond_the_room_are_not_delivered():
    channel, join, connection = new_channel(), RecordedJoin(("e", 0), room_bytes=60), subscriber()
    channel.subscribe(connection, join)
    channel.history_request()
    channel.apply_history(reply(9))
    assert join.outcomes == [(("e", 9), False)]
    assert received(connection) == []


def test_pending_joins_fail_when_the_history_is_unavailable():
    channel, connection = live_channel(last=5)
    join, error = RecordedJoin(("e", 1)), BrokerUnavailable("away")
    other = subscriber()
    channel.subscribe(other, join)
    publish(channel, pub(6))
    assert channel.history_unavailable(error) == [other]
    assert join.outcomes == [error]
    assert channel.is_live
    assert received(connection) == [6]


def test_pending_join_is_cancelled_when_its_connection_leaves():
    channel, join, connection = new_channel(), RecordedJoin(), subscriber()
    channel.subscribe(connection, join)
    channel.unsubscribe(connection)
    assert channel.is_empty
    assert join.outcomes == ["cancelled"]


def test_channel_without_recovery_delivers_no_offsets():
    channel, connection = live_channel(recover=False)
    publish(channel, pub(1), pub(5))
    assert [json.loads(frame) for frame in connection.transport.frames] == [
        {"channel": "room:7", "data": 1},
        {"channel": "room:7", "data": 5},
    ]
