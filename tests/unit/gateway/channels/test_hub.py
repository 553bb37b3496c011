"""Which connections receive what, in which order, in how many writes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.channels.history import HistoryReply
from sockgate_gateway.channels.history_queue import HistoryQueue
from sockgate_gateway.channels.hub import Hub
from sockgate_gateway.connections.connection import Connection, Identity
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import DEFAULT, Policy
from sockgate_gateway.wire.publication import Publication

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


def sequenced_hub(subscriptions: FakeSubscriptions, policy: Policy = DEFAULT) -> Hub:
    """A hub whose channels go live when the test says so."""
    return new_hub(NAMES, subscriptions, LIMIT_BYTES, lambda _: policy, queue=HistoryQueue())


def maker_of(hub: Hub, *channels: str) -> tuple[Connection, bytes]:
    """Subscribe a connection whose requests publish; return it with its id."""
    maker = subscriber(hub, *channels)
    maker.id = "maker_of-it"
    return maker, maker.id.encode()


def go_live(hub: Hub, name: str) -> None:
    channel = hub._channels[f"rt:{name}".encode()]
    channel.history_request()
    hub.apply_history(channel, HistoryReply(("k3", 0)))


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


def test_excluded_connection_receives_the_offset_alone(subscriptions):
    hub = sequenced_hub(subscriptions)
    (maker, own), other = maker_of(hub, "a"), subscriber(hub, "a")
    go_live(hub, "a")
    hub.fan_out(received(("a", b"#k3:1#1"), ("a", b"#k3:2:%b#2" % own), ("a", b"#k3:3#3")))
    assert [json.loads(frame)["offset"] for frame in maker.transport.frames] == [1, 2, 3]
    assert maker.transport.frames[1] == b'{"type":"skipped","channel":"a","offset":2}'
    assert delivered(other) == [("a", 1), ("a", 2), ("a", 3)]
    assert own not in b"".join(other.transport.frames)


def test_excluded_connection_receives_nothing_of_a_plain_publication(hub):
    (maker, own), other = maker_of(hub, "a", "b"), subscriber(hub, "a", "b")
    hub.fan_out(received(("a", b"1"), ("a", b"#::%b#2" % own), ("b", b"3"), ("a", b"4")))
    assert delivered(maker) == [("a", 1), ("b", 3), ("a", 4)]
    assert delivered(other) == [("a", 1), ("a", 2), ("b", 3), ("a", 4)]
    hub.fan_out(received(("a", b"#::%b#5" % own)))
    assert delivered(maker) == [("a", 1), ("b", 3), ("a", 4)]
    assert delivered(other)[-1] == ("a", 5)


def test_publication_that_excludes_nobody_here_reaches_all(hub):
    one, other = subscriber(hub, "a"), subscriber(hub, "a")
    hub.fan_out(received(("a", b"#::somebody-else#1")))
    assert delivered(one) == delivered(other) == [("a", 1)]


def test_exclusion_without_recovery_sends_no_offset(subscriptions):
    hub = new_hub(NAMES, subscriptions, LIMIT_BYTES, lambda _: Policy(recover=False))
    (maker, own), other = maker_of(hub, "a"), subscriber(hub, "a")
    hub.fan_out(received(("a", b"#k3:1:%b#1" % own)))
    assert maker.transport.frames == []
    assert delivered(other) == [("a", 1)]


def test_skipped_offset_replaces_no_publication_in_an_outbox(subscriptions):
    hub = sequenced_hub(subscriptions, Policy(overflow="latest"))
    maker, own = maker_of(hub, "ticker")
    go_live(hub, "ticker")
    hub.fan_out(received(("ticker", b"#k3:1#1"), ("ticker", b"#k3:2:%b#2" % own)))
    first, second = [batch.conflation_key for batch in maker.transport.batches]
    assert first is not None
    assert second is not None
    assert first != second


def test_exclusion_holds_while_publications_are_pending(subscriptions):
    hub = sequenced_hub(subscriptions)
    (maker, own), other = maker_of(hub, "a"), subscriber(hub, "a")
    go_live(hub, "a")
    hub.fan_out(received(("a", b"#k3:1#1")))
    # A newcomer needs the history, so that what follows is pending.
    late = SilentJoin()
    late.since = ("k3", 0)
    hub.subscribe(new_connection(), "a", late)
    channel = hub._channels[b"rt:a"]
    hub.fan_out(received(("a", b"#k3:2:%b#2" % own)))
    channel.history_request()
    hub.fan_out(received(("a", b"#k3:3:%b#3" % own), ("a", b"#k3:4#4")))
    recent = tuple([Publication(b"%d" % n, "k3", n) for n in (1, 2)])
    hub.apply_history(channel, HistoryReply(("k3", 2), recent))
    frames = [json.loads(frame) for frame in maker.transport.frames]
    types = [(frame.get("type"), frame["offset"]) for frame in frames]
    assert types == [(None, 1), ("skipped", 2), ("skipped", 3), (None, 4)]
    assert delivered(other) == [("a", 1), ("a", 2), ("a", 3), ("a", 4)]


def latencies_of(hub: Hub) -> list[float]:
    """Return the times that were observed: how many, and their sum."""
    *counts, total = hub.latencies.read()["other"]
    return [sum(counts), total]


def test_time_of_a_sequenced_publication_is_observed_once_for_all_receivers(subscriptions):
    hub = new_hub(
        NAMES,
        subscriptions,
        LIMIT_BYTES,
        lambda _: DEFAULT,
        queue=HistoryQueue(),
        wall_clock=lambda: 1_700_000_000.5,
    )
    tabs = [subscriber(hub, "a"), subscriber(hub, "a")]
    go_live(hub, "a")
    hub.fan_out(received(("a", b"#k3:1::1700000000250#1"), ("a", b"#k3:2:nobody:1700000000000#2")))
    assert [len(delivered(tab)) for tab in tabs] == [2, 2]
    assert latencies_of(hub) == [2, 0.75]


def test_time_is_observed_of_what_is_delivered_as_it_arrives_alone(subscriptions):
    hub = sequenced_hub(subscriptions)
    subscriber(hub, "a")
    hub.fan_out(received(("a", b"#k3:1::1700000000250#1")))  # It is pending.
    go_live(hub, "a")
    hub.fan_out(received(("a", b"plain")))
    assert latencies_of(hub)[0] == 0


def test_namespace_that_is_declared_later_has_its_own_times(subscriptions):
    hub, declared = sequenced_hub(subscriptions), []
    hub.latencies._declared = lambda: declared
    subscriber(hub, "room:7")
    go_live(hub, "room:7")
    hub.fan_out(received(("room:7", b"#k3:1::1700000000250#1")))
    declared.append("room")
    hub.policies_changed()
    hub.fan_out(received(("room:7", b"#k3:2::1700000000250#1")))
    assert {name: sum(read[:-1]) for name, read in hub.latencies.read().items()} == {
        "other": 1,
        "room": 1,
    }
