"""Touches: with the gateway's own audience, and a mark that no inventor can turn back."""

import json

import pytest
from sockgate_gateway.channels.history import HistoryReply
from sockgate_gateway.channels.history_queue import HistoryQueue
from sockgate_gateway.channels.touch_mark import DOUBT_S, LOSS_S, LinkLoss, TouchMark
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import Policy
from sockgate_gateway.wire.publication import Publication, read_publication
from sockgate_gateway.wire.touches import NEVER, TOUCH_TTL_MS, stated_mark

from tests.unit.gateway.channels.single_channel import (
    RecordedJoin,
    live_channel,
    plain,
    pub,
    publish,
    reply,
    subscriber,
)
from tests.unit.gateway.channels.test_hub import FakeSubscriptions
from tests.unit.gateway.channels.test_hub import subscriber as hub_subscriber
from tests.unit.gateway.fakes import new_hub

FORMS = [
    b'{"event":"touch","data":null}',
    b' {"event" : "touch", "data" : {"audience": 1e-9}, "from":"7"}',
    b'{"\\u0065vent":"\\u0074ouch","data":0}',
    b'{"event":"news","event":"touch","data":0}',
    b'#::nobody#{"event":"touch","data":0}',
    pytest.param(b'#:::250:k#{"event":"touch","data":0}', id="coalesced"),
    b'#k3:1#{"event":"touch","data":0}',
]


def touch(mark: int) -> Publication:
    return read_publication(b'{"event":"touch","data":{"touched":%d}}' % mark)


UNMARKED = read_publication(FORMS[0])


def frames_of(connection) -> list[dict]:
    return [json.loads(frame) for frame in connection.transport.frames]


@pytest.mark.parametrize("raw", FORMS)
async def test_touch_is_delivered_with_the_gateway_s_audience(raw):
    hub = new_hub(Names(), FakeSubscriptions(), 1000)
    connections = [hub_subscriber(hub, "room:7") for _ in range(3)]
    hub._presence.workers = 4
    hub.fan_out([(b"rt:room:7", raw)])
    expected = {
        "channel": "room:7",
        "data": {"event": "touch", "data": {"audience": 12}},
        "audience": 12,
    }
    for connection in connections:
        assert frames_of(connection) == [expected]


@pytest.mark.parametrize("raw", [b'{"event":"touched","data":1}', b'"touch"'])
def test_other_publications_are_delivered_as_they_are(raw):
    hub = new_hub(Names(), FakeSubscriptions(), 1000)
    connection = hub_subscriber(hub, "room:7")
    hub.fan_out([(b"rt:room:7", raw)])
    [batch] = connection.transport.batches
    assert batch.frames == (b'{"channel":"room:7","data":%b}' % raw,)


def test_touch_of_a_history_is_delivered_with_the_audience_and_no_mark():
    channel, _ = live_channel(last=1)
    late = subscriber()
    channel.subscribe(late, RecordedJoin(("e", 0)))
    channel.history_request()
    kept = read_publication(b'#e:1#{"event":"touch","data":{"touched":9,"audience":0.1}}')
    channel.apply_history(HistoryReply(("e", 1), (kept,), 12))
    [frame] = frames_of(late)
    assert frame["data"] == {"event": "touch", "data": {"audience": 1}}
    assert (frame["audience"], frame["offset"], frame.get("touched")) == (1, 1, None)


def test_mark_is_read_and_then_follows_the_touches():
    channel, connection = live_channel()
    publish(channel, touch(8), UNMARKED, touch(9))
    assert [frame.get("touched") for frame in frames_of(connection)] == [8, None, 9]
    assert channel.mark.known == 9


@pytest.mark.parametrize(
    ("steps", "known"),
    [
        ([("read", 5)], 5),
        ([("read", None)], None),
        ([("read", 5), ("touch", 6)], 6),
        pytest.param([("read", 6), ("touch", 6)], 6, id="it was read, and arrives later"),
        pytest.param([("read", 7), ("touch", 6), ("touch", 7)], 7, id="two arrive later"),
        pytest.param([("read", 6), ("touch", 5)], None, id="an invented earlier one"),
        pytest.param([("read", 6), ("touch", 4), ("touch", 5)], None, id="two invented ones"),
        pytest.param([("read", 6), ("touch", 99), ("touch", 7)], None, id="behind an invented one"),
        pytest.param([("read", 6), ("touch", 0)], None, id="one without a mark"),
        pytest.param([("read", 6), ("touch", 0), ("touch", 7)], 7, id="known again"),
        pytest.param([("touch", 0), ("read", 6)], None, id="Redis has not counted all"),
        pytest.param([("read", 6), ("read", 3)], 3, id="Redis was emptied"),
    ],
)
def test_mark_is_known_only_as_long_as_it_rises(steps, known):
    mark = TouchMark(LinkLoss())
    for what, value in steps:
        if what == "read":
            mark.read(value)
        else:
            mark.receive(touch(value) if value else UNMARKED, 1)
    assert mark.known == known


DAY_S = TOUCH_TTL_MS / 1000


class Times:
    """Two clocks that the test moves together."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.loss = LinkLoss(lambda: self.now, lambda: 1.8e9 + self.now)

    def marked(self, mark: int | None) -> TouchMark:
        found = TouchMark(self.loss)
        found.read(mark)
        return found


def test_channel_that_was_not_touched_has_another_mark_once_a_touch_may_be_forgotten():
    times = Times()
    before = times.marked(NEVER).known
    assert before == stated_mark(NEVER, 1.8e9 + times.now) and 0 < before < 1_000_000
    times.now += DAY_S  # A touch of just after the reading is forgotten by now.
    assert times.marked(NEVER).known > before


def test_mark_of_a_channel_that_was_not_touched_in_a_day_is_that_of_fresh_pages():
    times = Times()
    read, touched = times.marked(1_700_000_000_000), times.marked(None)
    times.now += 60
    touched.receive(touch(1_700_000_000_009), 1)
    read.read(1_700_000_000_000)
    times.now += DAY_S - 30
    assert (read.known, touched.known) == (times.marked(NEVER).known, 1_700_000_000_009)
    times.now += 60
    assert touched.known == times.marked(NEVER).known


@pytest.mark.parametrize(("lost_s", "is_doubted"), [(LOSS_S - 1, False), (LOSS_S + 1, True)])
def test_mark_is_not_believed_after_a_loss_in_which_touches_may_have_died(lost_s, is_doubted):
    times = Times()
    mark, late = times.marked(7), times.marked(8)
    for _ in range(2):  # Each attempt to connect again fails.
        times.loss.begin()
        times.now += lost_s / 2
    assert mark.read(7) is is_doubted
    assert mark.known == (None if is_doubted else 7)
    late.read(8)
    times.now += DOUBT_S / 2
    late.receive(touch(9), 1)
    other = times.marked(5)
    assert (mark.known, other.known, late.known) == ((None, None, 9) if is_doubted else (7, 5, 9))
    times.now += DOUBT_S
    assert (mark.known, other.known, late.known) == (7, 5, 9)


@pytest.mark.parametrize(("lost_s", "is_doubted"), [(LOSS_S - 1, False), (LOSS_S + 1, True)])
@pytest.mark.parametrize("is_whole", [False, True])
def test_mark_is_not_believed_after_a_part_of_redis_was_away(is_whole, lost_s, is_doubted):
    """Others read their marks meanwhile, and all links may be lost before the part is back."""
    times = Times()
    mark, other = times.marked(7), times.marked(8)
    times.loss.begin_part("node")
    times.now += lost_s / 2
    other.read(8)
    times.loss.begin_part("node")  # Each attempt to connect again fails.
    times.now += lost_s / 2
    if is_whole:
        times.loss.begin()
    times.loss.end_part("node")
    assert mark.read(7) is is_doubted
    assert mark.known == (None if is_doubted else 7)


def test_gap_after_such_a_loss_states_no_mark_and_the_window_of_all():
    channel, connection = live_channel(last=1)
    channel.mark.read(7)
    now = 0.0
    channel.mark._loss.clock = lambda: now
    channel.mark._loss.begin()
    channel.link_lost()
    now = LOSS_S + 1
    channel.history_request()
    channel.apply_history(HistoryReply(("e", 1), (), 7))
    [gap] = frames_of(connection)
    assert gap["type"] == "gap" and "touched" not in gap and gap["within"] >= 0


def test_gap_and_subscribed_state_the_mark():
    channel, connection = live_channel(last=1)
    channel.link_lost()
    channel.history_request()
    channel.apply_history(HistoryReply(("e", 1), (), 7))
    [gap] = frames_of(connection)
    assert (gap["type"], gap["touched"]) == ("gap", 7)
    late = RecordedJoin()
    late.confirm = lambda result: late.outcomes.append(result.touched)  # type: ignore[method-assign]
    assert channel.subscribe(subscriber(), late)
    assert late.outcomes == [7]


@pytest.mark.parametrize(
    ("plain", "before", "after", "causes"),
    [
        pytest.param(True, 5, 5, {"plain": 1}, id="a plain one may be missing"),
        pytest.param(False, 5, 5, {}, id="nothing can be missing"),
        pytest.param(False, 5, 6, {"touch": 1}, id="a touch is missing"),
        pytest.param(False, 5, None, {"touch": 1}, id="a touch may be missing"),
        pytest.param(False, None, 6, {"touch": 1}, id="it was not known before"),
    ],
)
def test_gap_is_sent_where_something_may_be_missing(plain, before, after, causes):
    channel, connection = live_channel(last=1)
    channel.apply_policy(Policy(plain=plain))
    channel.mark.read(before)
    channel.link_lost()
    channel.history_request()
    channel.apply_history(HistoryReply(("e", 1), (), after))
    assert channel._audience.gaps == causes
    assert len(frames_of(connection)) == len(causes)


def test_publications_that_were_not_kept_for_lack_of_room_are_a_gap_only_if_plain():
    for publications, gaps in (([pub(2), pub(3)], 0), ([pub(2), plain("p"), pub(3)], 1)):
        channel, connection = live_channel(last=1, pending_limit_bytes=0)
        channel.subscribe(subscriber(), RecordedJoin(("e", 0)))
        publish(channel, *publications)
        channel.history_request()
        channel.apply_history(reply(3))
        types = [frame.get("type") for frame in frames_of(connection)]
        assert types.count("gap") == gaps


async def test_namespace_without_plain_publications_drops_them():
    hub = new_hub(
        Names(), FakeSubscriptions(), 1000, lambda _: Policy(plain=False), queue=HistoryQueue()
    )
    connection = hub_subscriber(hub, "room:7")
    channel = hub._channels[b"rt:room:7"]
    channel.history_request()
    hub.apply_history(channel, HistoryReply(("k3", 0), (), 4))
    published = [
        b'"plain"',
        b"#::c1#1",
        b"#:::250:k#2",
        b'{"event":"touch","data":null}',
        b'{"event":"touch","data":{"touched":5}}',
        b"#k3:1#3",
    ]
    hub.fan_out([(b"rt:room:7", raw) for raw in published])
    found = frames_of(connection)
    assert [frame.get("touched", frame["data"]) for frame in found] == [5, 3]
    assert hub.dropped == 4


def test_newcomer_learns_how_many_pages_a_quiet_channel_has():
    hub = new_hub(Names(), FakeSubscriptions(), 1000)
    hub._presence.workers = 4
    said = []
    for _ in range(3):
        connection = hub_subscriber(hub)
        join = RecordedJoin()
        join.confirm = lambda _, connection=connection: said.append(
            hub.arrival(connection, "room:7")["pages"]
        )
        hub.subscribe(connection, "room:7", join)
    assert [*said, hub.arrival(connection, "room:7")["pages"]] == [4, 8, 12, 12]
