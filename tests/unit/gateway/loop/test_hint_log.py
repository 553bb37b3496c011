import logging

import pytest
from sockgate_gateway.loop.hint_log import (
    INTERVAL_S,
    MAX_LENGTH,
    MAX_LINES,
    MAX_SUBJECTS,
    HintLog,
    cut,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def read(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hints(clock: Clock) -> HintLog:
    return HintLog(logging.getLogger("sockgate.access"), "origin_refused", clock.read)


def warn(hints: HintLog, subject: str, owner: str = "::1") -> None:
    if hints.is_due(subject, owner):
        hints.warn("origin=%a", cut(subject), hint="set 'this'")


def test_hint_is_one_line(hints, caplog):
    warn(hints, "a")
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == """event=origin_refused origin='a' hint="set 'this'\""""


def test_hint_is_logged_once_a_minute(hints, clock, caplog):
    for _ in range(3):
        warn(hints, "a")
    clock.now += INTERVAL_S - 1
    warn(hints, "a")
    assert len(caplog.records) == 1
    clock.now += 1
    warn(hints, "a")
    assert len(caplog.records) == 2


def test_many_subjects_neither_fill_the_log_nor_the_memory(hints, clock, caplog):
    for number in range(10 * MAX_SUBJECTS):
        warn(hints, str(number))
    assert len(caplog.records) == len(hints._logged_at) == MAX_SUBJECTS
    clock.now += INTERVAL_S
    warn(hints, "ours")
    assert len(caplog.records) == MAX_SUBJECTS + 1
    assert list(hints._logged_at) == [("::1", "ours")]


def test_one_owner_keeps_no_hint_of_another_out_of_the_log(hints, caplog):
    for number in range(10 * MAX_LINES):
        warn(hints, str(number), "a stranger")
    warn(hints, "ours", "a visitor")
    assert "origin='ours'" in caplog.records[-1].getMessage()


def test_many_owners_do_not_fill_the_memory(hints, caplog):
    for number in range(10 * MAX_LINES):
        warn(hints, "a", str(number))
    assert len(caplog.records) == len(hints._logged_at) == MAX_LINES


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\nb", r"'a\nb'"), ("\x1b[31m", r"'\x1b[31m'"), ("ä", r"'\xe4'"), ("\u202e", r"'\u202e'")],
)
def test_text_from_outside_is_escaped(hints, caplog, text, shown):
    warn(hints, text)
    assert f"origin={shown} " in caplog.records[0].getMessage()


def test_text_from_outside_is_cut(hints, caplog):
    warn(hints, "x" * 10_000)
    assert f"origin='{'x' * MAX_LENGTH}' " in caplog.records[0].getMessage()
