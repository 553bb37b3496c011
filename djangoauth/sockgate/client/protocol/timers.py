"""Timers of a client without input or output: the adapter asks when the next one is due."""

import heapq
from collections.abc import Callable
from itertools import count

_Entry = tuple[float, int, Callable[[], None]]


class Timers:
    """Callbacks that run later.

    Args:
        clock: returns seconds that never run back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.now = clock
        self._numbers = count()
        self._heap: list[_Entry] = []
        self._cancelled: set[int] = set()

    def after(self, delay_s: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Run a callback after a delay; the function that is returned cancels it."""
        number = next(self._numbers)
        heapq.heappush(self._heap, (self.now() + delay_s, number, callback))
        return lambda: self._cancel(number)

    def next_at(self) -> float | None:
        """Return when the next callback is due; None: there is none."""
        while self._heap and self._heap[0][1] in self._cancelled:
            self._cancelled.discard(heapq.heappop(self._heap)[1])
        return self._heap[0][0] if self._heap else None

    def run_due(self) -> None:
        """Run the callbacks that are due."""
        now = self.now()
        while (at := self.next_at()) is not None and at <= now:
            heapq.heappop(self._heap)[2]()

    def _cancel(self, number: int) -> None:
        if any(entry[1] == number for entry in self._heap):
            self._cancelled.add(number)
