"""One timer for all: never early, at most two ticks late, and a failure affects no other."""

import logging
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.fakes import TICK_S, Clock


class RecordingHandler:
    """Records the times at which the wheel calls it."""

    def __init__(self, act: Callable[[float], None] = lambda now: None) -> None:
        self.called_at: list[float] = []
        self._act = act

    def on_timer(self, now: float) -> None:
        self.called_at.append(now)
        self._act(now)


@given(delay_s=st.floats(0, 100), start=st.floats(0, 10))
def test_wheel_calls_once_and_never_early(delay_s, start):
    clock = Clock()
    clock.advance(start)
    scheduled_at, handler = clock.now, RecordingHandler()
    clock.wheel.schedule(handler, delay_s)
    clock.advance(delay_s + 3 * TICK_S)
    (called_at,) = handler.called_at
    assert scheduled_at + delay_s <= called_at <= scheduled_at + delay_s + 2 * TICK_S


def test_wheel_calls_once_for_two_schedules_within_a_tick(clock):
    handler = RecordingHandler()
    clock.wheel.schedule(handler, 3.1)
    clock.wheel.schedule(handler, 3.2)
    clock.advance(10)
    assert len(handler.called_at) == 1


def test_wheel_calls_every_due_handler_after_a_pause(clock):
    handlers = [RecordingHandler() for _ in range(3)]
    for delay_s, handler in enumerate(handlers):
        clock.wheel.schedule(handler, delay_s)
    clock.now += 3600
    clock.wheel.turn()
    assert [handler.called_at for handler in handlers] == [[4600]] * 3


def test_handler_may_schedule_itself_again(clock):
    handler = RecordingHandler(lambda now: clock.wheel.schedule(handler, 5))
    clock.wheel.schedule(handler, 5)
    clock.advance(22)
    assert len(handler.called_at) == 4


def test_wheel_continues_after_a_failure(clock, caplog):
    def fail(now: float) -> None:
        raise RuntimeError

    good = RecordingHandler()
    clock.wheel.schedule(RecordingHandler(fail), 1)
    clock.wheel.schedule(good, 1)
    clock.wheel.schedule(good, 5)
    with caplog.at_level(logging.ERROR, "gateway"):
        clock.advance(10)
    assert len(good.called_at) == 2
    assert "event=timer_failed handler=RecordingHandler" in caplog.text


@pytest.mark.parametrize("delay_s", [0, -5])
def test_handler_that_is_due_already_is_called_at_the_next_turn(clock, delay_s):
    handler = RecordingHandler()
    clock.wheel.schedule(handler, delay_s)
    assert handler.called_at == []
    clock.advance(1)
    assert len(handler.called_at) == 1
