"""How a connection ended, or why none was made."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Close:
    """How a connection ended, or why it cannot be made.

    Args:
        code: a close code, an HTTP status, or 0.
        reason: for people.
        is_attempt: no connection was made; the next attempt may succeed.
    """

    code: int
    reason: str
    is_attempt: bool = False


TIMED_OUT = Close(0, "no answer in time")
