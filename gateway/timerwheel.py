"""One timer for all connections.

Strategy: a timer of the event loop for each connection costs memory and a heap operation each.
Deadlines here are coarse (heartbeats, first frames, expiries), so time is cut into ticks and a
tick holds a set of whoever wants to be woken then. Nothing is ever cancelled: who is woken
looks at his own state and asks again if he still has something to wait for.
"""

import logging
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger("gateway")


class Timed(Protocol):
    """Whoever can be woken."""

    def on_timer(self, now: float) -> None:
        """Look at your deadlines; ``now`` is the wheel's clock, in seconds."""


class TimerWheel:
    """Wake many at coarse times.

    Args:
        clock: gives seconds; monotonic.
        tick_s: how coarse; nobody is woken early, nor more than one tick and a turn late.
    """

    def __init__(self, clock: Callable[[], float], tick_s: float = 0.5) -> None:
        self.clock = clock
        self.tick_s = tick_s
        self._slots: dict[int, set[Timed]] = {}
        self._turned = self._tick_at(clock())

    def schedule(self, timed: Timed, delay_s: float) -> None:
        """Wake ``timed`` once, after ``delay_s``; twice for the same tick is once."""
        tick = max(self._tick_at(self.clock() + delay_s), self._turned) + 1
        slot = self._slots.get(tick)
        if slot is None:
            slot = self._slots[tick] = set()
        slot.add(timed)

    def turn(self) -> None:
        """Wake everybody whose time has come."""
        now = self.clock()
        present = self._tick_at(now)
        due = range(self._turned + 1, present + 1)
        self._turned = present
        for tick in due:
            for timed in self._slots.pop(tick, ()):
                self._wake(timed, now)

    def _wake(self, timed: Timed, now: float) -> None:
        try:
            timed.on_timer(now)
        except Exception:
            log.exception("event=timer_failed timed=%s", type(timed).__name__)

    def _tick_at(self, moment: float) -> int:
        return int(moment / self.tick_s)
