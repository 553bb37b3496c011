import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sockgate.dev.terminal import printable, signals_end_cleanly


@pytest.mark.parametrize("text", ["", "paid für 你好\u3000", "a\\b"])
def test_readable_text_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\u001b[2J"),
        ("\x9b2J", "\\u009b2J"),
        ("a\nb", "a\\nb"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_characters_are_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert json.loads(printable(json.dumps(text, ensure_ascii=False))) == text


@contextmanager
def handler(number: int, action: "signal.Handlers") -> Iterator[None]:
    former = signal.signal(number, action)
    try:
        yield
    finally:
        signal.signal(number, former)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_the_block_and_cleans_up(number: int) -> None:
    cleaned = []
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as ended, signals_end_cleanly():
        try:
            os.kill(os.getpid(), number)
            signal.sigtimedwait([], 30)
        finally:
            cleaned.append(number)
    assert ended.value.code == 128 + number
    assert cleaned == [number]
    assert signal.getsignal(number) is before


def test_ignored_signal_stays_ignored() -> None:
    with handler(signal.SIGHUP, signal.SIG_IGN), signals_end_cleanly():
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_other_threads_change_no_handler() -> None:
    found = []

    def look() -> None:
        with signals_end_cleanly():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]
