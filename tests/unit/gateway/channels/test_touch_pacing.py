"""Of touches that follow one another quickly, the first and the last are delivered."""

import json

import pytest
from sockgate_gateway.channels.touch_pacing import WINDOW_S
from sockgate_gateway.wire.names import Names

from tests.unit.gateway.channels.test_coalescing import Timers
from tests.unit.gateway.channels.test_hub import FakeSubscriptions, subscriber
from tests.unit.gateway.fakes import new_hub

ROOM = "room:7"
PLAIN = b'{"event":"touch","data":{"touched":%d}}'
EXCLUDING = b'#::c2#{"event":"touch","data":{"touched":%d}}'
SEQUENCED = b'#k3:%d#{"event":"touch","data":null}'


class Room:
    """A channel with two connections, and the timers of its touches."""

    def __init__(self, monkeypatch):
        self.hub = new_hub(Names(), FakeSubscriptions(), 1000)
        self.timers = Timers()
        monkeypatch.setattr(self.hub._pacer, "_call_later", self.timers.call_later)
        self.connections = [subscriber(self.hub, ROOM) for _ in range(2)]

    def publish(self, *raws):
        self.hub.fan_out([(b"rt:room:7", raw) for raw in raws])


@pytest.fixture
def room(monkeypatch):
    return Room(monkeypatch)


def touches_of(connection):
    frames = [json.loads(frame) for frame in connection.transport.frames]
    return [frame for frame in frames if "audience" in frame]


def marks_of(connection):
    return [frame.get("touched") for frame in touches_of(connection)]


def test_last_touch_is_delivered_at_the_window_s_end_with_the_mark_and_audience_of_then(room):
    for mark in range(1, 100):
        room.publish(PLAIN % mark, b'"news"')
    assert [len(one.transport.frames) for one in room.connections] == [100, 100]
    assert [marks_of(one) for one in room.connections] == [[1], [1]]
    room.hub._presence.workers = 4
    assert room.timers.end_windows() == [WINDOW_S]
    assert room.timers.end_windows() == [WINDOW_S]
    assert room.timers.end_windows() == []
    last = {"event": "touch", "data": {"audience": 8}}
    expected = {"channel": ROOM, "data": last, "audience": 8, "touched": 99}
    assert [touches_of(one)[1:] for one in room.connections] == [[expected], [expected]]


def test_one_touch_after_another_window_is_delivered_at_once(room):
    room.publish(PLAIN % 1)
    assert room.timers.end_windows() == [WINDOW_S]
    room.publish(PLAIN % 2)
    assert marks_of(room.connections[0]) == [1, 2]


def test_touch_of_unknown_count_makes_the_mark_of_the_last_one_unknown(room):
    room.publish(PLAIN % 1, PLAIN % 2, b'{"event":"touch","data":null}')
    room.timers.end_windows()
    assert marks_of(room.connections[0]) == [1, None]


def test_connection_that_lost_its_right_meanwhile_receives_nothing_more(room):
    gone, stays = room.connections
    room.publish(PLAIN % 1, PLAIN % 2)
    room.hub.unsubscribe(gone, ROOM)
    room.timers.end_windows()
    assert (marks_of(gone), marks_of(stays)) == ([1], [1, 2])


def test_connection_that_subscribed_meanwhile_learnt_the_mark_and_receives_later_touches_only(room):
    room.publish(PLAIN % 1, PLAIN % 2)
    late = subscriber(room.hub, ROOM)
    assert room.hub.result_of(ROOM).touched == 2
    room.timers.end_windows()
    assert (marks_of(late), marks_of(room.connections[0])) == ([], [1, 2])
    room.publish(PLAIN % 3)
    room.timers.end_windows()
    assert (marks_of(late), marks_of(room.connections[0])) == ([3], [1, 2, 3])


def test_channel_that_was_emptied_meanwhile_leaves_no_timer_and_delays_nothing_on_a_new_one(room):
    room.publish(PLAIN % 1, PLAIN % 2)
    for connection in room.connections:
        room.hub.unsubscribe(connection, ROOM)
    again = subscriber(room.hub, ROOM)
    room.publish(PLAIN % 3)
    assert marks_of(again) == [3]
    assert len(room.timers.end_windows()) == 2
    assert room.timers.end_windows() == []
    assert (room.hub._pacer._kept, marks_of(again)) == ({}, [3])


def test_touch_that_excludes_a_connection_is_not_kept(room):
    actor, other = room.connections
    actor.id = "c2"
    room.publish(PLAIN % 1, EXCLUDING % 2, EXCLUDING % 3)
    assert (marks_of(actor), marks_of(other)) == ([1], [1, 2, 3])
    assert room.timers.end_windows() == [WINDOW_S]
    assert room.timers.end_windows() == []


def test_sequenced_touches_are_not_kept(room):
    room.publish(*[SEQUENCED % number for number in (1, 2, 3)])
    assert [len(touches_of(one)) for one in room.connections] == [3, 3]
    assert room.timers.end_windows() == []
