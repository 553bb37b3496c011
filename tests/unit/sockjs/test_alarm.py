import gc
import weakref

import pytest

from gateway.sockjs.alarm import Alarm
from gateway.timerwheel import TimerWheel

TICK_S = 0.5


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.wheel = TimerWheel(lambda: self.now, TICK_S)
        self.rings: list[float] = []

    def ring(self) -> None:
        self.rings.append(self.now)

    def advance(self, seconds: float) -> None:
        for _ in range(int(seconds / TICK_S)):
            self.now += TICK_S
            self.wheel.turn()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def alarm(clock):
    return Alarm(clock.wheel, clock.ring)


def test_alarm_rings_once_and_not_early(clock, alarm):
    alarm.set(5)
    clock.advance(4.5)
    assert clock.rings == []
    clock.advance(20)
    (rung_at,) = clock.rings
    assert 105 <= rung_at <= 106


def test_alarm_that_is_set_later_rings_later(clock, alarm):
    alarm.set(5)
    clock.advance(3)
    alarm.set(5)
    clock.advance(20)
    (rung_at,) = clock.rings
    assert 108 <= rung_at <= 109


def test_alarm_that_is_set_earlier_rings_earlier(clock, alarm):
    alarm.set(25)
    alarm.set(5)
    clock.advance(60)
    (rung_at,) = clock.rings
    assert 105 <= rung_at <= 106


def test_alarm_that_is_moved_to_and_fro_rings_for_the_last(clock, alarm):
    alarm.set(25)
    for _ in range(30):
        alarm.set(5)
        clock.advance(1)
        alarm.set(25)
        clock.advance(1)
    assert clock.rings == []
    clock.advance(60)
    (rung_at,) = clock.rings
    assert 160 + 24 <= rung_at <= 160 + 26


def test_alarm_that_is_moved_with_every_poll_leaves_few_wakings_behind(clock, alarm):
    for _ in range(1000):
        alarm.set(25)
        alarm.set(5)
    assert sum(map(len, clock.wheel._slots.values())) <= 2


def test_alarm_can_be_set_while_it_rings(clock):
    alarm = Alarm(clock.wheel, lambda: (clock.ring(), alarm.set(5)))
    alarm.set(5)
    clock.advance(17)
    assert len(clock.rings) == 3


def test_stopped_alarm_does_not_ring(clock, alarm):
    alarm.set(5)
    alarm.stop()
    clock.advance(10)
    assert clock.rings == []


def test_stopped_alarm_lets_go_of_whom_to_call(clock):
    class Subject:
        def ring(self) -> None: ...

    subject = Subject()
    alarm = Alarm(clock.wheel, subject.ring)
    alarm.set(25)
    alarm.stop()
    gone = weakref.ref(subject)
    del subject
    gc.collect()
    assert gone() is None
