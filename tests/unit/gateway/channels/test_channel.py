"""The order of one channel, whatever is lost, late, or received twice."""

import json

import pytest
from sockgate_gateway.channels.channel import Channel
from sockgate_gateway.channels.history import HistoryReply, HistoryRequest
from sockgate_gateway.channels.touch_mark import LinkLoss
from sockgate_gateway.errors import BrokerUnavailable
from sockgate_gateway.wire.namespaces import Policy

from tests.unit.gateway.channels.single_channel import (
    GAP,
    LATENCY,
    RecordedJoin,
    live_channel,
    new_audience,
    plain,
    pub,
    publish,
    received,
    reply,
    subscriber,
)


def test_hole_is_filled_before_the_channel_is_live():
    channel, connection = live_channel(last=1)
    publish(channel, pub(2), pub(5), plain("late"), pub(6))
    assert received(connection) == [2]
    assert channel.history_request() == HistoryRequest("room:7", ("e", 6), 2)
    channel.apply_history(reply(6))
    assert received(connection) == [2, 3, 4, 5, 6, "late"]


def test_hole_that_cannot_be_filled_is_a_gap_in_its_place():
    channel, connection = live_channel(last=1)
    publish(channel, pub(2), pub(5), pub(6))
    channel.history_request()
    publish(channel, pub(7))
    channel.apply_history(reply(6, first=6))
    assert received(connection) == [2, GAP, 7]
    assert json.loads(connection.transport.frames[1])["offset"] == 6


def test_publication_received_twice_is_delivered_once():
    channel, connection = live_channel(last=1)
    publish(channel, pub(2), pub(2), pub(1), pub(3))
    channel.history_request()
    channel.apply_history(reply(3))
    publish(channel, pub(4))
    assert channel.is_live
    assert received(connection) == [2, 3, 4]


def test_publication_of_the_history_is_dropped_when_it_arrives():
    channel, connection = live_channel(last=1)
    publish(channel, pub(3))
    channel.history_request()
    channel.apply_history(reply(5))
    publish(channel, pub(4), pub(5), pub(6))
    assert channel.is_live
    assert received(connection) == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("before", [(pub(6), pub(7), pub(8)), (pub(4), pub(5))])
def test_offset_that_is_assigned_again_is_a_gap_at_once(before):
    """Another server took over, and lacks the last publications."""
    channel, connection = live_channel(last=5)
    publish(channel, *before, pub(5))
    assert channel.history_request().seen == max(("e", 5), (before[-1].epoch, before[-1].offset))
    channel.apply_history(reply(5, epoch="new"))
    assert received(connection)[-1] == GAP
    assert channel.position == ("new", 5)


def test_repeated_publication_is_read_once():
    channel, connection = live_channel(last=5)
    publish(channel, pub(6), pub(7), pub(6))
    channel.history_request()
    channel.apply_history(reply(7))
    assert channel.is_live
    assert received(connection) == [6, 7]


def test_step_back_without_recovery_is_delivered():
    channel, connection = live_channel(recover=False)
    publish(channel, pub(2), pub(1))
    assert received(connection) == [2, 1]


def test_pending_publication_is_delivered_when_recovery_is_switched_off():
    channel, connection = live_channel(last=5)
    channel.apply_policy(Policy(recover=False))
    publish(channel, pub(6))
    channel.history_request()
    channel.apply_history(HistoryReply(None))
    assert received(connection) == [6]


def test_epoch_that_begins_on_the_link_needs_no_history():
    channel, connection = live_channel(last=5)
    publish(channel, pub(6), pub(1, "new"), pub(2, "new"))
    assert channel.is_live
    assert received(connection) == [6, 1, 2]
    named = [json.loads(frame).get("epoch") for frame in connection.transport.frames]
    assert named == [None, "new", None]


def test_epoch_that_begins_behind_a_hole_is_a_gap():
    channel, connection = live_channel(last=5)
    publish(channel, pub(6), pub(2, "new"))
    channel.history_request()
    channel.apply_history(reply(2, first=3, epoch="new"))
    assert received(connection) == [6, GAP]


def test_epoch_that_begins_where_publications_replace_one_another_is_a_gap():
    policy = Policy(overflow="latest")
    channel, connection = live_channel(last=5)
    channel.apply_policy(policy)
    publish(channel, pub(6), pub(1, "new"))
    channel.history_request()
    channel.apply_history(reply(1, epoch="new"))
    assert received(connection) == [6, GAP]


def test_end_of_an_epoch_that_is_known_from_a_history_alone_is_a_gap():
    channel, connection = live_channel(last=5)
    publish(channel, pub(1, "new"))
    assert channel.history_request() == HistoryRequest("room:7", ("e", 5), 5)
    channel.apply_history(reply(1, epoch="new"))
    publish(channel, pub(2, "new"))
    assert received(connection) == [GAP, 2]
    assert json.loads(connection.transport.frames[0])["epoch"] == "new"


def test_late_publication_of_an_ended_epoch_is_dropped():
    channel, connection = live_channel(last=0)
    publish(channel, pub(9, "old"))
    assert not channel.is_live
    channel.history_request()
    channel.apply_history(reply(0))
    assert channel.is_live
    assert received(connection) == []


def test_epoch_that_began_after_the_request_is_read_again():
    channel, connection = live_channel(last=5)
    channel.link_lost()
    channel.history_request()
    publish(channel, pub(1, "new"))
    channel.apply_history(reply(5))
    assert not channel.is_live
    channel.history_request()
    channel.apply_history(reply(1, epoch="new"))
    assert GAP in received(connection)
    assert channel.position == ("new", 1)


def test_gaps_are_counted_by_cause_and_connection():
    audience = new_audience()
    channel, gaps = Channel("room:7", Policy(), 1000, audience, LinkLoss(), LATENCY), audience.gaps
    for since in (None, ("old", 1), ("e", 1), ("e", 3)):
        channel.subscribe(subscriber(), RecordedJoin(since, room_bytes=0))
    channel.history_request()
    channel.apply_history(reply(4, first=3))
    assert gaps == {"epoch": 1, "history": 1, "size": 1}
    publish(channel, plain("p"))
    channel.link_lost()
    channel.history_request()
    channel.apply_history(reply(4, first=3))
    assert gaps["plain"] == 4


@pytest.mark.parametrize(
    ("recover", "before", "delivered"),
    [
        pytest.param(True, (pub(6),), [6, 7, GAP], id="sequenced until now: filled and a gap"),
        pytest.param(True, (plain("p"),), ["p", 6, 7, GAP], id="both: filled and a gap"),
        pytest.param(False, (plain("p"),), ["p", GAP], id="without history: a gap"),
    ],
)
def test_lost_link_is_filled_or_a_gap(recover, before, delivered):
    channel, connection = live_channel(last=5, recover=recover)
    publish(channel, *before)
    channel.link_lost()
    channel.history_request()
    channel.apply_history(reply(7) if recover else HistoryReply(None))
    assert received(connection) == delivered


def test_publications_between_two_losses_are_behind_the_gap():
    channel, connection = live_channel(recover=False)
    channel.link_lost()
    publish(channel, plain("on the second link"))
    channel.link_lost()
    publish(channel, plain("on the third link"))
    channel.history_request()
    channel.apply_history(HistoryReply(None))
    assert received(connection) == [GAP, "on the third link"]


def test_reply_requested_before_a_loss_is_dropped():
    channel, connection = live_channel(last=5)
    channel.subscribe(subscriber(), RecordedJoin(("e", 1)))
    channel.history_request()
    channel.link_lost()
    assert channel.apply_history(reply(5)) == []
    assert not channel.is_live
    channel.history_request()
    channel.apply_history(reply(6))
    assert received(connection) == [6, GAP]


def test_reply_for_a_live_channel_is_dropped():
    channel, connection = live_channel(last=5)
    publish(channel, pub(6))
    assert channel.apply_history(reply(5)) == []
    publish(channel, pub(7))
    assert received(connection) == [6, 7]


def test_pending_publications_are_bounded_and_dropped_ones_are_read_again_or_a_gap():
    channel, connection = live_channel(last=1, pending_limit_bytes=10)
    publish(channel, pub(3), plain("x" * 20), pub(4))
    channel.history_request()
    channel.apply_history(reply(4))
    assert received(connection) == [2, 3, 4, GAP]


def test_channel_with_a_hole_stays_behind_while_the_history_is_unavailable():
    channel, connection = live_channel(last=5)
    publish(channel, pub(9))
    channel.history_unavailable(BrokerUnavailable("away"))
    assert not channel.is_live
    assert received(connection) == []


def test_reply_requested_before_an_overflow_is_dropped():
    channel, connection = live_channel(last=1, pending_limit_bytes=10)
    publish(channel, pub(3))
    channel.history_request()
    publish(channel, plain("x" * 20))
    assert channel.apply_history(reply(3)) == []
    channel.history_request()
    channel.apply_history(reply(3))
    assert channel.is_live
    assert received(connection) == [2, 3, GAP]
