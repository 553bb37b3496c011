"""Texts from outside on a terminal, and an end of a command that leaves nothing behind."""

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unicodedata import category

_ENDING = (signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else []))


def printable(text: str) -> str:
    """Escape, as JSON does, what would move the cursor, begin a line, or has no UTF-8 form."""
    return text if text.isprintable() else "".join(map(_printable_character, text))


def _printable_character(character: str) -> str:
    is_harmless = character.isprintable() or category(character) == "Zs"
    return character if is_harmless else json.dumps(character)[1:-1]


@contextmanager
def signals_end_cleanly() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does, so that it removes what it made.

    A signal that is ignored, as ``nohup`` does with SIGHUP, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.getsignal(number) for number in _ENDING}
    taken = [number for number, handler in former.items() if handler is not signal.SIG_IGN]
    try:
        for number in taken:
            signal.signal(number, _exit)
        yield
    finally:
        for number in taken:
            signal.signal(number, former[number])


def _exit(number: int, _: Any) -> None:
    sys.exit(128 + number)
