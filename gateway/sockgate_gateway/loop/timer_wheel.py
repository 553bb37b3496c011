"""One timer for all connections.

Strategy: a timer of the event loop for each connection costs memory and a heap operation. Deadlines
here are coarse (heartbeats, first frames, expiries). So time is divided into ticks, and each tick
holds the set of handlers to call. Nothing is ever cancelled. A handler examines its own deadlines
when it is called, and schedules itself again if one is still ahead.

An entry stays in the wheel until its tick, possibly long after its connection was closed. So an
entry must not keep a connection alive: it refers to the connection weakly, or it is scheduled with
``schedule_weakly``.
"""

import logging
from collections.abc import Callable
from typing import Protocol
from weakref import ref

from ..histogram import SECONDS, Histogram
from .idle import IdleTime

log = logging.getLogger("sockgate")

LATE_S = 2.0


class TimerHandler(Protocol):
    """An object that the wheel calls."""

    def on_timer(self, now: float) -> None:
        """Examine deadlines; ``now`` is the wheel's clock, in seconds."""


class _WeakHandler(ref[TimerHandler]):
    """Call the handler unless it has been freed."""

    __slots__ = ()

    def on_timer(self, now: float) -> None:
        handler = self()
        if handler is not None:
            handler.on_timer(now)


class TimerWheel:
    """Call many handlers at coarse times.

    Args:
        clock: returns monotonic seconds.
        tick_s: the resolution. A handler is never called early, and at most one tick and one turn
            late.

    ``lags``: how late each turn was.
    """

    def __init__(self, clock: Callable[[], float], tick_s: float = 0.5) -> None:
        self.clock = clock
        self.idle = IdleTime(clock)
        self.tick_s = tick_s
        self._slots: dict[int, set[TimerHandler]] = {}
        self._turned = int(clock() / tick_s)
        self._late_until = 0.0
        self.lags = Histogram(SECONDS)

    def schedule(self, handler: TimerHandler, delay_s: float) -> None:
        """Call a handler once after ``delay_s``; twice for the same tick is once."""
        tick = max(int((self.clock() + delay_s) / self.tick_s), self._turned) + 1
        slot = self._slots.get(tick)
        if slot is None:
            slot = self._slots[tick] = set()
        slot.add(handler)

    def schedule_weakly(self, handler: TimerHandler, delay_s: float) -> None:
        """Call a handler as ``schedule`` does, without keeping it alive until then."""
        self.schedule(_WeakHandler(handler), delay_s)

    def turn(self) -> None:
        """Call every handler that is due."""
        now = self.clock()
        present = int(now / self.tick_s)
        if present > self._turned:
            self.lags.observe(now - (self._turned + 1) * self.tick_s)
        if present > self._turned + 1:
            self._late_until = now + LATE_S
        due = range(self._turned + 1, present + 1)
        self._turned = present
        for tick in due:
            for handler in self._slots.pop(tick, ()):
                self._call(handler, now)

    @property
    def is_late(self) -> bool:
        """Whether a turn was late by a tick or more in the last ``LATE_S``.

        Then the process had no processor for as long, and data that has arrived may be unread.
        """
        return self.clock() < self._late_until

    def _call(self, handler: TimerHandler, now: float) -> None:
        try:
            handler.on_timer(now)
        except Exception:
            log.exception("event=timer_failed handler=%s", type(handler).__name__)
