"""How long sequenced publications take, from Redis to the sockets of this worker. Pure.

Strategy: ``publish.lua`` writes the time of Redis beside some offsets. What one read of the socket
held is observed together, once all of it was passed to the sockets. What waits for a history is not
observed: that takes as long as the history.
"""

from collections.abc import Callable, Collection, Iterable

from ..histogram import SECONDS, Histogram
from ..wire.namespaces import OTHER

MOST_NAMESPACES = 50
"""So many have a series of their own; the reports of a worker must stay small."""

LONGEST_S = 60.0
"""Longer times count as this long: whoever may ``PUBLISH`` can write any time."""


class Latencies:
    """Histograms by namespace.

    Args:
        clock: returns Unix seconds.
        offset_s: returns how far the clock of Redis is ahead; None: not known.
        declared: returns the namespaces that are declared.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        offset_s: Callable[[], float | None],
        declared: Callable[[], Collection[str]],
    ) -> None:
        self._clock = clock
        self._offset_s = offset_s
        self._declared = declared
        self._histograms = {OTHER: Histogram(SECONDS)}

    def of(self, namespace: str) -> Histogram:
        """Return the histogram of a namespace; those that are not declared share one."""
        found = self._histograms.get(namespace)
        if found is None:
            is_known = namespace in self._declared() and len(self._histograms) <= MOST_NAMESPACES
            name = namespace if is_known else OTHER
            found = self._histograms.setdefault(name, Histogram(SECONDS))
        return found

    def observe(self, arrived: Iterable[tuple[Histogram, int]]) -> None:
        """Observe publications, with their times in Unix ms, now that the sockets have them."""
        now = self._clock() + (self._offset_s() or 0.0)
        for histogram, published_ms in arrived:
            histogram.observe(min(max(now - published_ms / 1000, 0.0), LONGEST_S))

    def read(self) -> dict[str, list[float]]:
        """Return the histogram of each namespace, as ``Histogram.read``."""
        for namespace in self._declared():
            self.of(namespace)
        return {name: histogram.read() for name, histogram in self._histograms.items()}
