"""What kinds of options there are: how each is read, and what people are told of it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _flag(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("expected yes or no")


@dataclass(frozen=True, slots=True)
class Kind:
    """What an option's text stands for: how it is read, and what people are told of it."""

    read: Callable[[str], Any]
    metavar: str
    expected: str


TEXT = Kind(str, "TEXT", "a text")
LIST = Kind(_list, "A,B", "texts, comma-separated")
SWITCH = Kind(_flag, "yes|no", "yes or no")
COUNT = Kind(int, "N", "a whole number")
BYTES = Kind(int, "BYTES", "a whole number of bytes")
RATE = Kind(float, "N", "a number")
SECONDS = Kind(float, "SECONDS", "a number of seconds")


def option(default: Any, text: str, kind: Kind = TEXT, *, secret: bool = False) -> Any:
    """Make a field of ``Config``, with what the command line tells of it."""
    return field(default=default, metadata={"help": text, "kind": kind, "secret": secret})
