import gc
import weakref

import pytest
from sockgate_gateway.loop.timer_wheel import TimerWheel
from sockgate_gateway.sockjs.timers import Timer

TICK_S = 0.5


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.wheel = TimerWheel(lambda: self.now, TICK_S)
        self.calls: list[float] = []

    def call(self) -> None:
        self.calls.append(self.now)

    def advance(self, seconds: float) -> None:
        for _ in range(int(seconds / TICK_S)):
            self.now += TICK_S
            self.wheel.turn()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def timer(clock):
    return Timer(clock.wheel, clock.call)


def test_timer_fires_once_and_not_early(clock, timer):
    timer.set(5)
    clock.advance(4.5)
    assert clock.calls == []
    clock.advance(20)
    (called_at,) = clock.calls
    assert 105 <= called_at <= 106


def test_timer_that_is_set_later_fires_later(clock, timer):
    timer.set(5)
    clock.advance(3)
    timer.set(5)
    clock.advance(20)
    (called_at,) = clock.calls
    assert 108 <= called_at <= 109


def test_timer_that_is_set_earlier_fires_earlier(clock, timer):
    timer.set(25)
    timer.set(5)
    clock.advance(60)
    (called_at,) = clock.calls
    assert 105 <= called_at <= 106


def test_timer_that_is_moved_to_and_fro_fires_for_the_last(clock, timer):
    timer.set(25)
    for _ in range(30):
        timer.set(5)
        clock.advance(1)
        timer.set(25)
        clock.advance(1)
    assert clock.calls == []
    clock.advance(60)
    (called_at,) = clock.calls
    assert 160 + 24 <= called_at <= 160 + 26


def test_timer_that_is_moved_with_every_poll_leaves_few_entries_in_the_wheel(clock, timer):
    for _ in range(1000):
        timer.set(25)
        timer.set(5)
    assert sum(map(len, clock.wheel._slots.values())) <= 2


def test_timer_can_be_set_while_it_fires(clock):
    timer = Timer(clock.wheel, lambda: (clock.call(), timer.set(5)))
    timer.set(5)
    clock.advance(17)
    assert len(clock.calls) == 3


def test_stopped_timer_does_not_fire(clock, timer):
    timer.set(5)
    timer.stop()
    clock.advance(10)
    assert clock.calls == []


def test_stopped_timer_drops_its_callback(clock):
    class Subject:
        def call(self) -> None: ...

    subject = Subject()
    timer = Timer(clock.wheel, subject.call)
    timer.set(25)
    timer.stop()
    gone = weakref.ref(subject)
    del subject
    gc.collect()
    assert gone() is None
