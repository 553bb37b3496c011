"""Which connections receive what, in which order, in how many writes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.channels.hub import Hub
from sockgate_gateway.connections.connection import Connection, Identity
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import Policy

from tests.unit.gateway.fakes import SilentJoin, new_connection, new_hub

NAMES = Names()
LIMIT_BYTES = 100
LATEST = Policy(overflow="latest", recover=False)


class FakeSubscriptions:
    """The channels that the hub has subscribed to."""

    def __init__(self) -> None:
        self.wanted: list[str] = []

    def subscribe(self, channel: str) -> None:
        self.wanted.append(channel)

    def unsubscribe(self, channel: str) -> None:
        self.wanted.remove(channel)


@pytest.fixture
def subscriptions():
    return FakeSubscriptions()


@pytest.fixture
def hub(subscriptions):
    return new_hub(NAMES, subscriptions, LIMIT_BYTES)


def subscriber(hub: Hub, *channels: str) -> Connection:
    connection = new_connection()
    connection.start_check()
    connection.welcome(Identity("sid", None, channels, None), b"welcome")
    connection.resume()
    connection.transport.batches.clear()
    for channel in channels:
        hub.subscribe(connection, channel, SilentJoin())
    return connection


def received(*published: tuple[str, bytes]) -> list[tuple[bytes, bytes]]:
    return [(f"rt:{channel}".encode(), payload) for channel, payload in published]


def delivered(connection: Connection) -> list:
    return [(f["channel"], f["data"]) for f in map(json.loads, connection.transport.frames)]


def test_publication_reaches_only_the_subscribers_of_its_channel(hub):
    alice, bob = subscriber(hub, "user:1"), subscriber(hub, "user:2")
    hub.fan_out(received(("user:1", b'"for alice"')))
    assert delivered(alice) == [("user:1", "for alice")]
    assert delivered(bob) == []


def test_burst_on_one_channel_is_one_shared_batch(hub):
    first, second = subscriber(hub, "a"), subscriber(hub, "a")
    hub.fan_out(received(("a", b"1"), ("a", b"2"), ("a", b"3")))
    (batch,) = first.transport.batches
    assert second.transport.batches == [batch]
    assert delivered(first) == [("a", 1), ("a", 2), ("a", 3)]


def test_burst_on_a_conflated_channel_is_shared_one_by_one(subscriptions):
    hub = new_hub(NAMES, subscriptions, LIMIT_BYTES, lambda channel: LATEST)
    first, second = subscriber(hub, "ticker"), subscriber(hub, "ticker")
    hub.fan_out(received(("ticker", b"1"), ("ticker", b"2")))
    assert delivered(first) == [("ticker", 1), ("ticker", 2)]
    assert [len(batch.frames) for batch in first.transport.batches] == [1, 1]
    assert [batch.conflation_key for batch in first.transport.batches].count(None) == 0
    assert first.transport.batches == second.transport.batches


def test_burst_on_several_channels_is_one_write_in_order(hub):
    both, one = subscriber(hub, "a", "b"), subscriber(hub, "b")
    hub.fan_out(received(("a", b"1"), ("b", b"2"), ("a", b"3"), ("b", b"4")))
    assert delivered(both) == [("a", 1), ("b", 2), ("a", 3), ("b", 4)]
    assert delivered(one) == [("b", 2), ("b", 4)]
    assert len(both.transport.batches) == len(one.transport.batches) == 1


def test_connections_on_the_same_channels_share_a_batch(hub):
    pair = [subscriber(hub, "a", "b") for _ in range(2)]
    hub.fan_out(received(("a", b"1"), ("b", b"2")))
    assert pair[0].transport.batches[0] is pair[1].transport.batches[0]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=12), st.data())
def test_every_connection_receives_its_channels_in_the_order_of_redis(published, data):
    hub = new_hub(NAMES, FakeSubscriptions(), LIMIT_BYTES)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(published)), max_size=3)))
    subscribers = [subscriber(hub, *channels) for channels in ("a", "ab", "bc", "cab", "")]
    for start, end in zip([0, *cuts], [*cuts, len(published)], strict=True):
        hub.fan_out(received(*((channel, b"%d" % n) for channel, n in published[start:end])))
    for connection in subscribers:
        assert delivered(connection) == [(c, n) for c, n in published if c in connection.channels]


def test_channel_is_subscribed_once_until_the_last_connection_leaves(hub, subscriptions):
    first, second = subscriber(hub, "a"), subscriber(hub, "a")
    assert subscriptions.wanted == ["a"]
    hub.unsubscribe(first, "a")
    assert subscriptions.wanted == ["a"]
    hub.unsubscribe_all(second)
    assert subscriptions.wanted == []
    assert "a" not in hub.channels()


def test_subscribing_and_unsubscribing_twice_is_once(hub, subscriptions):
    connection = subscriber(hub, "a")
    hub.subscribe(connection, "a", SilentJoin())
    assert connection.channels == ("a",)
    hub.fan_out(received(("a", b"1")))
    assert delivered(connection) == [("a", 1)]
    hub.unsubscribe(connection, "a")
    hub.unsubscribe(connection, "a")
    hub.unsubscribe(connection, "never joined")
    assert subscriptions.wanted == []


def test_unsubscribed_connection_receives_nothing_more(hub):
    gone, stays = subscriber(hub, "a", "b"), subscriber(hub, "a", "b")
    hub.unsubscribe(gone, "a")
    hub.fan_out(received(("a", b"1"), ("b", b"2")))
    assert delivered(gone) == [("b", 2)]
    assert gone.channels == ("b",)
    assert len(delivered(stays)) == 2


def test_hub_lists_channels_and_their_connections(hub):
    connection = subscriber(hub, "a", "b")
    assert sorted(hub.channels()) == ["a", "b"]
    assert hub.connections_on("a") == (connection,)
    assert hub.connections_on("c") == ()


def test_publication_without_subscribers_is_counted_only(hub):
    hub.fan_out(received(("a", b"1")))
    assert (hub.publications, hub.deliveries) == (1, 0)


def test_deliveries_are_counted(hub):
    for channels in (("a",), ("a", "b")):
        subscriber(hub, *channels)
    hub.fan_out(received(("a", b"1"), ("a", b"2")))
    hub.fan_out(received(("a", b"3"), ("b", b"4")))
    assert (hub.publications, hub.deliveries) == (4, 7)


@pytest.mark.parametrize("payload", [b"\xff", b'"%b"' % (b"x" * LIMIT_BYTES)])
def test_publication_that_cannot_be_delivered_is_dropped_counted_and_logged(hub, caplog, payload):
    connection = subscriber(hub, "a")
    hub.fan_out(received(("a", b"1"), ("a", payload), ("a", b"2")))
    assert delivered(connection) == [("a", 1), ("a", 2)]
    assert hub.dropped == 1
    assert "event=payload_dropped channel=a" in caplog.text
    assert "xxxx" not in caplog.text


def test_dropped_publications_are_logged_once_a_minute(hub, caplog):
    subscriber(hub, "a")
    for _ in range(3):
        hub.fan_out(received(("a", b"\xff"), ("a", b"\xff")))
    assert hub.dropped == 6
    assert caplog.text.count("event=payload_dropped") == 1


def test_publication_of_full_size_is_delivered(hub):
    connection = subscriber(hub, "a")
    hub.fan_out(received(("a", b'"%b"' % (b"x" * (LIMIT_BYTES - 2)))))
    assert len(delivered(connection)) == 1


def test_lost_link_is_a_gap_on_every_channel_without_history(hub):
    connection = subscriber(hub, "a", "b")
    hub.link_lost()
    frames = list(map(json.loads, connection.transport.frames))
    assert [(frame["type"], frame["channel"]) for frame in frames] == [("gap", "a"), ("gap", "b")]


def test_publications_of_another_deployment_are_ignored():
    hub = new_hub(Names(channel_prefix="other:"), FakeSubscriptions(), LIMIT_BYTES)
    connection = subscriber(hub, "a")
    hub.fan_out([(b"rt:a", b"1"), (b"other:a", b"2")])
    assert delivered(connection) == [("a", 2)]
