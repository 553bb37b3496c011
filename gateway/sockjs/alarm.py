"""One moment to be woken at, which may be moved at any time.

Strategy: the timer wheel never cancels, so a moment that is moved with every poll would leave
many wakings behind it. An alarm keeps one of them in use, lets it pass when the moment has moved
on, and asks for an earlier one only when the moment has come nearer.
"""

from collections.abc import Callable
from math import inf

from ..timerwheel import TimerWheel


class Alarm:
    """Call somebody at the moment that was set last.

    Args:
        wheel: wakes us.
        ring: called without arguments, at most once for each ``set``.
    """

    __slots__ = ("_due", "_ring", "_wakes_at", "_wheel")

    def __init__(self, wheel: TimerWheel, ring: Callable[[], None]) -> None:
        self._wheel = wheel
        self._ring: Callable[[], None] | None = ring
        self._due = inf
        self._wakes_at = inf

    def set(self, delay_s: float) -> None:
        """Ring after so many seconds, and not at the moment set before."""
        self._due = self._wheel.clock() + delay_s
        if self._due < self._wakes_at:
            self._wake_at(self._due)

    def stop(self) -> None:
        """Never ring again, and let go of whom to call."""
        self._due = inf
        self._ring = None

    def on_timer(self, now: float) -> None:
        """Ring if it is time."""
        if now < self._wakes_at:
            return
        self._wakes_at = inf
        if now < self._due < inf:
            self._wake_at(self._due)
        elif now >= self._due and self._ring:
            self._due = inf
            self._ring()

    def _wake_at(self, moment: float) -> None:
        self._wakes_at = moment
        self._wheel.schedule(self, moment - self._wheel.clock())
