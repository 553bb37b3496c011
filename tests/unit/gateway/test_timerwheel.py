"""One timer for all: never early, hardly late, and nobody's failure is another's."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .fakes import TICK_S, Alarmed, Clock


@given(delay_s=st.floats(0, 100), start=st.floats(0, 10))
def test_wheel_wakes_once_and_never_early(delay_s, start):
    clock = Clock()
    clock.advance(start)
    asked_at, alarmed = clock.now, Alarmed()
    clock.wheel.schedule(alarmed, delay_s)
    clock.advance(delay_s + 3 * TICK_S)
    (woken_at,) = alarmed.woken_at
    assert asked_at + delay_s <= woken_at <= asked_at + delay_s + 2 * TICK_S


def test_wheel_wakes_once_for_two_wishes_within_a_tick(clock):
    alarmed = Alarmed()
    clock.wheel.schedule(alarmed, 3.1)
    clock.wheel.schedule(alarmed, 3.2)
    clock.advance(10)
    assert len(alarmed.woken_at) == 1


def test_wheel_wakes_everybody_after_it_stood_still(clock):
    alarmed = [Alarmed() for _ in range(3)]
    for delay_s, each in enumerate(alarmed):
        clock.wheel.schedule(each, delay_s)
    clock.now += 3600
    clock.wheel.turn()
    assert [each.woken_at for each in alarmed] == [[4600]] * 3


def test_whoever_is_woken_may_ask_again(clock):
    alarmed = Alarmed(lambda now: clock.wheel.schedule(alarmed, 5))
    clock.wheel.schedule(alarmed, 5)
    clock.advance(22)
    assert len(alarmed.woken_at) == 4


def test_wheel_goes_on_after_a_failure(clock, caplog):
    def fail(now: float) -> None:
        raise RuntimeError

    good = Alarmed()
    clock.wheel.schedule(Alarmed(fail), 1)
    clock.wheel.schedule(good, 1)
    clock.wheel.schedule(good, 5)
    with caplog.at_level(logging.ERROR, "gateway"):
        clock.advance(10)
    assert len(good.woken_at) == 2
    assert "event=timer_failed timed=Alarmed" in caplog.text


@pytest.mark.parametrize("delay_s", [0, -5])
def test_wheel_wakes_at_the_next_turn_when_it_is_late_already(clock, delay_s):
    alarmed = Alarmed()
    clock.wheel.schedule(alarmed, delay_s)
    assert alarmed.woken_at == []
    clock.advance(1)
    assert len(alarmed.woken_at) == 1
