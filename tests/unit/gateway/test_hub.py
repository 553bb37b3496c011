"""Who hears what, in which order, in how many writes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.connection import Connection, Identity, State
from gateway.hub import Hub
from gateway.wire.names import Names
from gateway.wire.namespaces import Policy

from .fakes import new_connection

NAMES = Names()
LIMIT_BYTES = 100
LATEST = Policy(overflow="latest", recover=False)


class FakeSubscriptions:
    """Channels that the hub wants heard."""

    def __init__(self) -> None:
        self.wanted: list[str] = []

    def want(self, channel: str) -> None:
        self.wanted.append(channel)

    def unwant(self, channel: str) -> None:
        self.wanted.remove(channel)


@pytest.fixture
def subscriptions():
    return FakeSubscriptions()


@pytest.fixture
def hub(subscriptions):
    return Hub(NAMES, subscriptions, LIMIT_BYTES)


def listener(hub: Hub, *channels: str) -> Connection:
    connection = new_connection()
    connection.enter(State.CHECKING)
    connection.welcome(Identity("sid", None, channels, None), b"welcome")
    connection.transport.batches.clear()
    for channel in channels:
        hub.join(connection, channel)
    return connection


def received(*said: tuple[str, bytes]) -> list[tuple[bytes, bytes]]:
    return [(f"rt:{channel}".encode(), payload) for channel, payload in said]


def heard(connection: Connection) -> list:
    return [(f["channel"], f["data"]) for f in map(json.loads, connection.transport.frames)]


def test_publication_reaches_those_on_its_channel_alone(hub):
    alice, bob = listener(hub, "user:1"), listener(hub, "user:2")
    hub.publish(received(("user:1", b'"for alice"')))
    assert heard(alice) == [("user:1", "for alice")]
    assert heard(bob) == []


def test_burst_on_one_channel_is_one_shared_batch(hub):
    first, second = listener(hub, "a"), listener(hub, "a")
    hub.publish(received(("a", b"1"), ("a", b"2"), ("a", b"3")))
    (batch,) = first.transport.batches
    assert second.transport.batches == [batch]
    assert heard(first) == [("a", 1), ("a", 2), ("a", 3)]


def test_burst_of_what_may_be_replaced_is_shared_one_by_one(subscriptions):
    hub = Hub(NAMES, subscriptions, LIMIT_BYTES, lambda channel: LATEST)
    first, second = listener(hub, "ticker"), listener(hub, "ticker")
    hub.publish(received(("ticker", b"1"), ("ticker", b"2")))
    assert heard(first) == [("ticker", 1), ("ticker", 2)]
    assert [len(batch.frames) for batch in first.transport.batches] == [1, 1]
    assert [batch.conflation_key for batch in first.transport.batches].count(None) == 0
    assert first.transport.batches == second.transport.batches


def test_burst_on_several_channels_is_one_write_in_order(hub):
    both, one = listener(hub, "a", "b"), listener(hub, "b")
    hub.publish(received(("a", b"1"), ("b", b"2"), ("a", b"3"), ("b", b"4")))
    assert heard(both) == [("a", 1), ("b", 2), ("a", 3), ("b", 4)]
    assert heard(one) == [("b", 2), ("b", 4)]
    assert len(both.transport.batches) == len(one.transport.batches) == 1


def test_connections_that_hear_the_same_share_a_batch(hub):
    pair = [listener(hub, "a", "b") for _ in range(2)]
    hub.publish(received(("a", b"1"), ("b", b"2")))
    assert pair[0].transport.batches[0] is pair[1].transport.batches[0]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=12), st.data())
def test_everyone_hears_his_channels_in_the_order_of_redis(said, data):
    hub = Hub(NAMES, FakeSubscriptions(), LIMIT_BYTES)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(said)), max_size=3)))
    listeners = [listener(hub, *channels) for channels in ("a", "ab", "bc", "cab", "")]
    for start, end in zip([0, *cuts], [*cuts, len(said)], strict=True):
        hub.publish(received(*((channel, b"%d" % n) for channel, n in said[start:end])))
    for connection in listeners:
        assert heard(connection) == [(c, n) for c, n in said if c in connection.channels]


def test_channel_is_wanted_once_and_until_the_last_has_left(hub, subscriptions):
    first, second = listener(hub, "a"), listener(hub, "a")
    assert subscriptions.wanted == ["a"]
    hub.leave(first, "a")
    assert subscriptions.wanted == ["a"]
    hub.leave_all(second)
    assert subscriptions.wanted == []
    assert not hub.is_heard("a")


def test_joining_and_leaving_twice_is_once(hub, subscriptions):
    connection = listener(hub, "a")
    hub.join(connection, "a")
    assert connection.channels == ("a",)
    hub.publish(received(("a", b"1")))
    assert heard(connection) == [("a", 1)]
    hub.leave(connection, "a")
    hub.leave(connection, "a")
    hub.leave(connection, "never joined")
    assert subscriptions.wanted == []


def test_whoever_left_hears_nothing_more(hub):
    gone, stays = listener(hub, "a", "b"), listener(hub, "a", "b")
    hub.leave(gone, "a")
    hub.publish(received(("a", b"1"), ("b", b"2")))
    assert heard(gone) == [("b", 2)]
    assert gone.channels == ("b",)
    assert len(heard(stays)) == 2


def test_hub_lists_channels_and_who_is_on_them(hub):
    connection = listener(hub, "a", "b")
    assert sorted(hub.channels()) == ["a", "b"]
    assert hub.connections_on("a") == (connection,)
    assert hub.connections_on("c") == ()


def test_publication_that_nobody_hears_is_counted_only(hub):
    hub.publish(received(("a", b"1")))
    assert (hub.publications, hub.deliveries) == (1, 0)


def test_deliveries_are_counted(hub):
    for channels in (("a",), ("a", "b")):
        listener(hub, *channels)
    hub.publish(received(("a", b"1"), ("a", b"2")))
    hub.publish(received(("a", b"3"), ("b", b"4")))
    assert (hub.publications, hub.deliveries) == (4, 7)


@pytest.mark.parametrize("payload", [b"\xff", b'"%b"' % (b"x" * LIMIT_BYTES)])
def test_what_cannot_be_delivered_is_dropped_counted_and_logged(hub, caplog, payload):
    connection = listener(hub, "a")
    hub.publish(received(("a", b"1"), ("a", payload), ("a", b"2")))
    assert heard(connection) == [("a", 1), ("a", 2)]
    assert hub.dropped == 1
    assert "event=payload_dropped channel=a" in caplog.text
    assert "xxxx" not in caplog.text


def test_publication_of_full_size_is_delivered(hub):
    connection = listener(hub, "a")
    hub.publish(received(("a", b'"%b"' % (b"x" * (LIMIT_BYTES - 2)))))
    assert len(heard(connection)) == 1


def test_lost_link_is_a_gap_on_every_channel_without_history(hub):
    connection = listener(hub, "a", "b")
    hub.link_lost()
    frames = list(map(json.loads, connection.transport.frames))
    assert [(frame["type"], frame["channel"]) for frame in frames] == [("gap", "a"), ("gap", "b")]


def test_names_of_another_deployment_are_not_ours():
    hub = Hub(Names(channel_prefix="other:"), FakeSubscriptions(), LIMIT_BYTES)
    connection = listener(hub, "a")
    hub.publish([(b"rt:a", b"1"), (b"other:a", b"2")])
    assert heard(connection) == [("a", 2)]
