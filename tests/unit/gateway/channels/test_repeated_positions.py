"""A position that comes twice with another publication is a gap; the same publication is none."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.channels.channel import Channel
from sockgate_gateway.channels.history import HistoryReply
from sockgate_gateway.channels.order import KEPT
from sockgate_gateway.wire.publication import Publication

from tests.unit.gateway.channels.single_channel import (
    GAP,
    RecordedJoin,
    live_channel,
    pub,
    publish,
    received,
    reply,
    subscriber,
)


def forged(offset: int) -> Publication:
    return Publication(b'"forged"', "e", offset)


def read_history(channel: Channel, last: int) -> None:
    after = channel.history_request().after
    channel.apply_history(HistoryReply(("e", last), reply(last, first=after + 1).recent))


def test_forged_position_is_a_gap_once_its_own_publication_comes(caplog):
    caplog.set_level(logging.WARNING)
    channel, connection = live_channel(last=1)
    publish(channel, forged(2), pub(2))
    read_history(channel, 2)
    publish(channel, pub(3))
    assert received(connection) == ["forged", GAP, 3]
    assert channel._audience.gaps == {"repeated": 1}
    assert "event=position_repeated channel=room:7" in caplog.text
    assert channel.is_live


def test_state_that_was_hidden_follows_the_gap():
    channel, connection = live_channel(last=1, state="latest")
    publish(channel, forged(2), pub(2))
    read_history(channel, 2)
    assert received(connection) == ["forged", GAP, 2]


@pytest.mark.parametrize("count", [3, 2 * KEPT])
def test_positions_forged_ahead_are_a_gap_though_as_many_were_published_before_the_reading(count):
    channel, connection = live_channel()
    publish(channel, *map(forged, range(1, count + 1)))
    publish(channel, *map(pub, range(1, count + 1)))
    read_history(channel, count)
    publish(channel, pub(count + 1))
    assert received(connection) == [*["forged"] * count, GAP, count + 1]


def test_own_publication_that_comes_during_a_reading_or_after_it_is_a_gap():
    """The one who forges makes holes meanwhile, so that the channel reads its history."""
    for moment in ("before the request", "after the request", "after the reply"):
        channel, connection = live_channel(last=1)
        publish(channel, forged(2), forged(50))
        if moment == "before the request":
            publish(channel, pub(2))
        channel.history_request()
        if moment == "after the request":
            publish(channel, pub(2))
        channel.apply_history(HistoryReply(("e", 2)))
        if moment == "after the reply":
            publish(channel, pub(2))
            read_history(channel, 2)
        publish(channel, pub(3))
        assert received(connection) == ["forged", GAP, 3], moment
        assert channel.is_live


def test_publication_that_excludes_somebody_else_is_another_one():
    channel, connection = live_channel(last=1)
    publish(channel, Publication(b"2", "e", 2, excluded="victim"), pub(2))
    read_history(channel, 2)
    assert received(connection)[-1] == GAP


@pytest.mark.parametrize("is_link_lost", [True, False])
def test_plain_publications_that_wait_for_a_history_repeat_no_position(is_link_lost, caplog):
    """On a channel that has carried plain ones alone, for example."""
    channel, connection = live_channel()
    if is_link_lost:
        channel.link_lost()
    else:
        channel.subscribe(subscriber(), RecordedJoin(newest=1))
    publish(channel, Publication(b'"plain"'))
    read_history(channel, 0)
    assert received(connection) == ([GAP, "plain"] if is_link_lost else ["plain"])
    assert channel._audience.gaps == ({"plain": 1} if is_link_lost else {})
    assert "position_repeated" not in caplog.text


STEPS = st.lists(st.one_of(st.sampled_from(["next", "lose", "read"]), st.integers(0, 5)))


@given(STEPS)
def test_same_publications_again_and_again_and_late_ones_are_no_gap(steps):
    channel, connection = live_channel()
    last = 0
    for step in [*steps, "read", "next", "read", "read"]:
        if step == "next":
            last += 1
            publish(channel, pub(last))
        elif step == "lose":
            channel.link_lost()
            channel._lacks_plain = False
        elif step == "read" and not channel.is_live:
            read_history(channel, last)
        elif isinstance(step, int) and last > step:
            publish(channel, pub(last - step))
    assert received(connection) == list(range(1, last + 1))
