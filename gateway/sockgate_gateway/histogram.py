"""Histograms with fixed buckets, for the metrics. Pure.

A part observes into its own one, and knows nothing of Prometheus: two operations for each value.
"""

from bisect import bisect_left

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ROUNDS = (1.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0)
"""Seconds of an audit, which takes half of ``SOCKGATE_AUDIT_INTERVAL`` where all is well."""

COUNTS = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1000.0)
BYTES = (1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 4194304.0)


class Histogram:
    """Counts of values, by bucket.

    Args:
        bounds: the largest value of each bucket, ascending; greater values have one more.
    """

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0.0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def read(self) -> list[float]:
        """Return the count of each bucket, and then the sum of all values."""
        return [*self._counts, self.total]
