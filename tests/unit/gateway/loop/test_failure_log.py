"""A repeated failure is logged when its cause changes, and at most once a second."""

import logging

import pytest
from sockgate_gateway.loop.failure_log import MIN_INTERVAL_S, REMINDER_S, FailureLog

log = logging.getLogger("tests.failurelog")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def failures(clock, caplog) -> FailureLog:
    caplog.set_level(logging.WARNING, log.name)
    return FailureLog(log, "link_lost", clock)


def test_cause_is_logged_once(failures, caplog):
    for _ in range(5):
        failures.failed(OSError("refused"))
    assert caplog.messages == ["event=link_lost cause='refused'"]


def test_another_cause_is_logged_at_once(failures, caplog):
    failures.failed(OSError("refused"), "routes=%d", 3)
    failures.failed(OSError("no such host"), "routes=%d", 3)
    assert caplog.messages[1] == "event=link_lost routes=3 cause='no such host'"


def test_alternating_causes_are_logged_once_a_second_each(failures, clock, caplog):
    for _ in range(10):
        failures.failed(OSError("a"))
        failures.failed(OSError("b"))
    assert len(caplog.messages) == 2
    clock.now += MIN_INTERVAL_S
    failures.failed(OSError("a"))
    assert len(caplog.messages) == 3


def test_cause_is_logged_again_after_a_success_and_as_a_reminder(failures, clock, caplog):
    failures.failed(OSError("a"))
    clock.now += MIN_INTERVAL_S
    failures.failed(OSError("a"))
    assert len(caplog.messages) == 1
    failures.succeeded()
    failures.failed(OSError("a"))
    assert len(caplog.messages) == 2
    clock.now += REMINDER_S
    failures.failed(OSError("a"))
    assert len(caplog.messages) == 3


def test_error_without_a_text_is_logged_by_its_type(failures, caplog):
    failures.failed(TimeoutError())
    assert caplog.messages == ["event=link_lost cause='TimeoutError'"]


def test_long_cause_is_cut_and_lines_cannot_be_forged(failures, caplog):
    failures.failed(OSError("x\nevent=forged " + "y" * 9999))
    assert len(caplog.messages[0]) < 500
    assert "\n" not in caplog.messages[0]
