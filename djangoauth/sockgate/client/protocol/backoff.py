"""The wait before the next attempt: exponential back-off with full jitter."""

from collections.abc import Callable
from dataclasses import dataclass

from sockgate_gateway.wire.closecodes import CloseCode

_MAX_DOUBLINGS = 30
"""Further doublings change nothing: the limit is reached, and the number would grow for ever."""


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
        min_s: upper limit of the first wait.
        max_s: upper limit of every wait, unless a pace is wider.
        random: returns a number in [0, 1).
    """

    def __init__(self, *, min_s: float, max_s: float, random: Callable[[], float]) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._random = random
        self._attempts = 0

    def next_s(self, pace: Pace = _USUAL) -> float:
        """Return the seconds to wait."""
        widest_s = min(self._max_s, self._min_s * 2.0 ** min(self._attempts, _MAX_DOUBLINGS))
        self._attempts += 1
        return pace.floor_s + self._random() * max(widest_s, pace.spread_s)

    def reset(self) -> None:
        """Start again with the shortest range, after a success."""
        self._attempts = 0
