"""Of publications with one key, at most one in a window; the last one always."""

import asyncio
from types import SimpleNamespace

import pytest
from sockgate_gateway.channels import coalescing
from sockgate_gateway.channels.coalescing import Coalescer
from sockgate_gateway.channels.hub import Hub
from sockgate_gateway.connections.connection import Connection
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import Policy
from sockgate_gateway.wire.publication import Coalescing, Publication

from tests.unit.gateway.channels.test_hub import FakeSubscriptions, delivered, received, subscriber
from tests.unit.gateway.fakes import new_hub

PATIENCE_S = 20
PLAIN = Policy(recover=False)


class Timers:
    """Timers that end when the test says so."""

    def __init__(self):
        self._due = []

    def call_later(self, delay_s, call, *given):
        self._due.append((delay_s, call, given))

    def end_windows(self):
        due, self._due = self._due, []
        for _, call, given in due:
            call(*given)
        return [delay_s for delay_s, _, _ in due]


class Channel:
    """What passes, or is released, on all channels."""

    def __init__(self):
        self.timers = Timers()
        self.released = []
        self.coalescer = Coalescer(
            lambda channel, _, one: self.released.append((channel.name, one)),
            self.timers.call_later,
        )
        self.is_live = True

    def passes(self, payload, key="order:7", channel="orders", within_ms=100):
        one = Publication(payload, coalescing=Coalescing(key, within_ms))
        state = {"name": channel, "is_live": self.is_live, "last_subscription": 1}
        return self.coalescer.passes(SimpleNamespace(**state), one)

    @property
    def held_bytes(self):
        return self.coalescer._bytes.taken

    @property
    def open_windows(self):
        assert len(self.coalescer._held) == self.coalescer._windows.taken
        return len(self.coalescer._held)


@pytest.fixture
def channel():
    return Channel()


def test_the_first_passes_and_the_last_follows_at_the_end(channel):
    assert [channel.passes(b"%d" % number) for number in range(4)] == [True, False, False, False]
    assert channel.released == []
    assert channel.timers.end_windows() == [0.1]
    assert channel.released == [("orders", Publication(b"3"))]
    assert channel.held_bytes == 0


def test_a_released_one_begins_the_next_window(channel):
    assert channel.passes(b"1")
    assert not channel.passes(b"2")
    channel.timers.end_windows()
    assert not channel.passes(b"3")
    assert channel.timers.end_windows() == [0.1]
    assert [one.payload for _, one in channel.released] == [b"2", b"3"]
    channel.timers.end_windows()
    assert channel.timers.end_windows() == []
    assert channel.open_windows == 0
    assert channel.passes(b"4")


def test_keys_and_channels_have_windows_of_their_own(channel):
    assert channel.passes(b"1", key="a")
    assert channel.passes(b"1", key="b")
    assert channel.passes(b"1", key="a", channel="other")
    assert not channel.passes(b"2", key="a")
    assert not channel.passes(b"3", key="a", channel="other")
    channel.timers.end_windows()
    assert [(name, one.payload) for name, one in channel.released] == [
        ("orders", b"2"),
        ("other", b"3"),
    ]


def test_what_is_held_is_dropped_with_the_link(channel):
    channel.passes(b"1")
    channel.passes(b"2")
    channel.coalescer.drop_held()
    assert channel.held_bytes == 0
    assert not channel.passes(b"3")
    channel.timers.end_windows()
    assert [one.payload for _, one in channel.released] == [b"3"]


@pytest.fixture
def small(monkeypatch):
    """A worker that has 8 windows and 40 bytes: a tenant has half of it, a channel a quarter."""
    monkeypatch.setattr(coalescing, "MAX_WINDOWS", 8)
    monkeypatch.setattr(coalescing, "MAX_HELD_BYTES", 40)
    return Channel()


def test_too_many_keys_pass(small):
    channel = small
    assert [channel.passes(b"1", key=str(number)) for number in range(4)] == [True] * 4
    assert [channel.passes(b"2", key=str(number)) for number in range(4)] == [
        False,
        False,
        True,
        True,
    ]
    assert channel.open_windows == 2


def test_too_many_bytes_pass_and_nothing_older_follows(small):
    channel = small
    channel.passes(b"1")
    assert not channel.passes(b"x" * 10)
    assert not channel.passes(b"y" * 10)
    assert channel.held_bytes == 10
    assert channel.passes(b"z" * 11)
    channel.timers.end_windows()
    assert channel.released == []
    assert channel.held_bytes == 0


def test_a_channel_that_takes_all_it_can_leaves_others_their_windows_and_bytes(small):
    for number in range(20):
        small.passes(b"1", key=str(number), channel="greedy")
        small.passes(b"x" * 10, key=str(number), channel="greedy")
    assert small.passes(b"1", channel="other")
    assert not small.passes(b"2", channel="other")
    small.timers.end_windows()
    assert ("other", Publication(b"2")) in small.released


def test_a_tenant_that_takes_all_it_can_leaves_others_their_windows_and_bytes(small):
    for number in range(20):
        small.passes(b"1", channel=f"greedy\x1f{number}")
        small.passes(b"x" * 5, channel=f"greedy\x1f{number}")
    for tenant in ("", "other\x1f"):
        assert small.passes(b"1", channel=f"{tenant}orders")
        assert not small.passes(b"2", channel=f"{tenant}orders")


def test_all_of_them_together_take_no_more_than_there_is(small):
    for number in range(50):
        small.passes(b"1", channel=f"tenant{number}\x1forders")
        small.passes(b"x" * 5, channel=f"tenant{number}\x1forders")
    assert 4 < small.open_windows <= 8
    assert 20 < small.held_bytes <= 40
    while small.timers.end_windows():
        pass
    assert (small.open_windows, small.held_bytes) == (0, 0)


def test_nothing_is_held_on_a_channel_that_is_not_live(channel):
    """The channel keeps its publications in their order, and what is older must not follow."""
    assert channel.passes(b"1")
    assert not channel.passes(b"2")
    channel.is_live = False
    assert channel.passes(b"3")
    assert channel.passes(b"4", key="other")
    channel.timers.end_windows()
    assert channel.released == []
    assert channel.open_windows == 0


async def until(condition):
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.001)


def hub_and_tabs(policy: Policy = PLAIN) -> tuple[Hub, Connection, Connection]:
    hub = new_hub(Names(), FakeSubscriptions(), 100, lambda _: policy)
    return hub, subscriber(hub, "a"), subscriber(hub, "a")


async def test_hub_delivers_the_first_and_the_last():
    hub, one, other = hub_and_tabs()
    hub.fan_out(received(*[("a", b"#:::20:k#%d" % number) for number in range(5)], ("a", b"9")))
    assert delivered(one) == [("a", 0), ("a", 9)]
    await until(lambda: len(delivered(one)) == 3)
    assert delivered(one) == delivered(other) == [("a", 0), ("a", 9), ("a", 4)]
    assert hub.deliveries == 6


async def test_hub_excludes_a_connection_from_what_was_held():
    hub, maker, other = hub_and_tabs()
    maker.id = "maker"
    hub.fan_out(received(("a", b"#:::20:k#1"), ("a", b"#::maker:20:k#2")))
    await until(lambda: len(delivered(other)) == 2)
    assert (delivered(maker), delivered(other)) == ([("a", 1)], [("a", 1), ("a", 2)])


async def test_hub_keeps_order_in_an_outbox_of_the_newest():
    hub, one, _ = hub_and_tabs(Policy(recover=False, overflow="latest"))
    hub.fan_out(received(("a", b"#:::20:k#1"), ("a", b"#:::20:k#2")))
    await until(lambda: len(one.transport.batches) == 2)
    first, second = [batch.conflation_key for batch in one.transport.batches]
    assert first == second


async def test_what_was_held_is_not_delivered_to_those_who_came_later():
    hub, one, _ = hub_and_tabs()
    hub.fan_out(received(("a", b"#:::20:k#1"), ("a", b"#:::20:k#2")))
    late = subscriber(hub, "a")
    await until(lambda: delivered(one) == [("a", 1), ("a", 2)])
    assert delivered(late) == []
    hub.fan_out(received(("a", b"#:::20:k#3")))
    later = subscriber(hub, "a")
    await until(lambda: delivered(late) == [("a", 3)])
    assert delivered(later) == []
    assert delivered(one) == [("a", 1), ("a", 2), ("a", 3)]


async def test_a_gap_stands_for_what_was_held_when_the_link_was_lost():
    hub, *_ = hub_and_tabs()
    hub.fan_out(received(("a", b"#:::20:k#1")))
    late = subscriber(hub, "a")
    hub.fan_out(received(("a", b"#:::20:k#2")))
    hub.link_lost()
    await until(lambda: b'"gap"' in b"".join(late.transport.frames))
    await asyncio.sleep(0.05)  # The window would have ended.
    assert b"2" not in b"".join(late.transport.frames)


async def test_nothing_is_delivered_after_the_last_connection_has_left():
    hub, one, other = hub_and_tabs()
    hub.fan_out(received(("a", b"#:::20:k#1"), ("a", b"#:::20:k#2")))
    hub.unsubscribe_all(one)
    hub.unsubscribe_all(other)
    await asyncio.sleep(0.05)  # The window would have ended.
    assert delivered(one) == [("a", 1)]


async def test_what_was_held_is_not_delivered_to_those_who_come_after_all_have_left():
    """Nothing is received in between, so what was held may be older than what they have loaded."""
    hub, one, other = hub_and_tabs()
    hub.fan_out(received(("a", b"#:::20:k#1"), ("a", b"#:::20:k#2")))
    hub.unsubscribe_all(one)
    hub.unsubscribe_all(other)
    hub.fan_out(received(("a", b"#:::20:k#3")))
    late = subscriber(hub, "a")
    await asyncio.sleep(0.05)  # The window would have ended.
    assert delivered(late) == []
    hub.fan_out(received(("a", b"#:::20:k#4")))
    await until(lambda: delivered(late) == [("a", 4)])
