"""A timer that may be moved at any time.

Strategy: the timer wheel cannot cancel an entry. A timer that is moved with every poll would leave
many entries in it. So a timer keeps one entry. When that comes too early, the timer schedules
another; when the deadline has moved nearer, it schedules an earlier one.
"""

from collections.abc import Callable
from math import inf

from ..loop.timer_wheel import TimerWheel


class Timer:
    """Call a function at the moment that was set last.

    Args:
        wheel: runs the timer.
        callback: called without arguments, at most once for each ``set``.
    """

    __slots__ = ("__weakref__", "_callback", "_due", "_wakes_at", "_wheel")

    def __init__(self, wheel: TimerWheel, callback: Callable[[], None]) -> None:
        self._wheel = wheel
        self._callback: Callable[[], None] | None = callback
        self._due = inf
        self._wakes_at = inf

    def set(self, delay_s: float) -> None:
        """Fire after so many seconds, instead of at the moment set before."""
        self._due = self._wheel.clock() + delay_s
        if self._due < self._wakes_at:
            self._wake_at(self._due)

    def stop(self) -> None:
        """Never fire again, and drop the callback."""
        self._due = inf
        self._callback = None

    def on_timer(self, now: float) -> None:
        """Fire if the deadline has come."""
        if now < self._wakes_at:
            return
        self._wakes_at = inf
        if now < self._due < inf:
            self._wake_at(self._due)
        elif now >= self._due and self._callback:
            self._due = inf
            self._callback()

    def _wake_at(self, moment: float) -> None:
        self._wakes_at = moment
        self._wheel.schedule_weakly(self, moment - self._wheel.clock())
