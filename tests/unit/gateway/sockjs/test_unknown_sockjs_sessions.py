"""Requests for sessions that are not open: what is counted, logged and remembered."""

import pytest
from sockgate_gateway.loop.timer_wheel import TimerWheel
from sockgate_gateway.sockjs.unknown_sockjs_sessions import (
    LOG_INTERVAL_S,
    REMEMBERED,
    UnknownSockJSSessions,
)


class Unknown:
    """The object under test, with its clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.wheel = TimerWheel(lambda: self.now)
        self.sessions = UnknownSockJSSessions(self.wheel)

    def pass_a_minute(self) -> None:
        self.now += LOG_INTERVAL_S + 2 * self.wheel.tick_s
        self.wheel.turn()


@pytest.fixture
def unknown() -> Unknown:
    return Unknown()


def test_foreign_sessions_are_logged_once_a_minute_with_their_number(unknown, caplog):
    for minute in range(3):
        for number in range(5):
            unknown.sessions.count(f"{minute}-{number}")
        unknown.pass_a_minute()
    assert [record.args[0] for record in caplog.records] == [1, 4, 5, 5]
    assert unknown.sessions.counts == {"foreign": 15}


def test_after_a_silent_minute_the_next_is_logged_at_once(unknown, caplog):
    unknown.sessions.count("a")
    unknown.pass_a_minute()
    unknown.sessions.count("b")
    assert [record.args[0] for record in caplog.records] == [1, 1]


def test_ended_session_is_expired_and_not_logged(unknown, caplog):
    unknown.sessions.add_ended("a")
    unknown.sessions.count("a")
    assert unknown.sessions.counts == {"expired": 1}
    assert caplog.records == []


def test_only_the_newest_ended_sessions_are_remembered(unknown):
    for number in range(REMEMBERED + 1):
        unknown.sessions.add_ended(str(number))
    assert len(unknown.sessions._ended) == REMEMBERED
    unknown.sessions.count("0")
    unknown.sessions.count("1")
    assert unknown.sessions.counts == {"foreign": 1, "expired": 1}
