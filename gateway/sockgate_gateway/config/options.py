"""The kinds of options: how each is read, and how ``--help`` describes it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..wire.secrets import Secret, masked


def _read_list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _read_switch(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("expected yes or no")


@dataclass(frozen=True, slots=True)
class Kind:
    """How the text of an option is read and described.

    Args:
        read: turns the text into the value, or raises ValueError.
        metavar: stands for the value in ``--help``.
        expected: completes the error message "must be …".
    """

    read: Callable[[str], Any]
    metavar: str
    expected: str


TEXT = Kind(str, "TEXT", "a text")
LIST = Kind(_read_list, "A,B", "texts, comma-separated")
SECRET = Kind(Secret, "TEXT", "a text")
SECRETS = Kind(lambda text: masked(_read_list(text)), "A,B", "texts, comma-separated")
SWITCH = Kind(_read_switch, "yes|no", "yes or no")
COUNT = Kind(int, "N", "a whole number")
BYTES = Kind(int, "BYTES", "a whole number of bytes")
RATE = Kind(float, "N", "a number")
SECONDS = Kind(float, "SECONDS", "a number of seconds")


def option(default: Any, text: str, kind: Kind = TEXT, *, secret: bool = False) -> Any:
    """Declare a field of ``Config``, with its help text."""
    return field(default=default, metadata={"help": text, "kind": kind, "secret": secret})
