"""The wait before the next attempt: exponential back-off with full jitter."""

from collections.abc import Callable
from dataclasses import dataclass

from sockgate_gateway.wire.closecodes import CloseCode

_MAX_DOUBLINGS = 30
"""Further doublings change nothing: the limit is reached, and the number would grow for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect:
    """Limits of the back-off, in seconds: of the first wait, and of every wait."""

    min_s: float = 0.5
    max_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Pace:
    """A pace at which clients come back.

    Args:
        floor_s: the shortest wait.
        spread_s: the range of waits is at least this wide.
    """

    floor_s: float = 0.0
    spread_s: float = 0.0


_USUAL = Pace()
_SLOW = Pace(floor_s=5.0, spread_s=10.0)
_UNAVAILABLE = Pace(floor_s=2.0, spread_s=5.0)

_PACES = {
    CloseCode.DRAIN: Pace(spread_s=3.0),
    CloseCode.OVERLOADED: _SLOW,
    CloseCode.UNAVAILABLE: _UNAVAILABLE,
    # HTTP statuses of the token view.
    429: _SLOW,
    503: _UNAVAILABLE,
}


def pace_of(code: int) -> Pace:
    """Return the pace after a close code or an HTTP status."""
    return _PACES.get(code, _USUAL)


class Backoff:
    """Double the range of waits with each attempt.

    Args:
        limits: of the range, unless a pace is wider.
        random: returns a number in [0, 1).
    """

    def __init__(self, limits: Reconnect, random: Callable[[], float]) -> None:
        self._limits = limits
        self._random = random
        self._attempts = 0

    def next_s(self, pace: Pace = _USUAL) -> float:
        """Return the seconds to wait."""
        doubled_s = self._limits.min_s * 2.0 ** min(self._attempts, _MAX_DOUBLINGS)
        self._attempts += 1
        widest_s = max(min(self._limits.max_s, doubled_s), pace.spread_s)
        return pace.floor_s + self._random() * widest_s

    def reset(self) -> None:
        """Start again with the shortest range, after a success."""
        self._attempts = 0
