"""Count what waits, so that one source is not in the way of the others. Pure.

An attacker from one address can make as many of these as its limit allows. For everybody else they
count as few, ``MOST_OF_ANOTHER``. A crowd from many addresses counts in full.
"""

from collections import Counter

MOST_OF_ANOTHER = 4


class FairCount:
    """Count by source."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()
        self._capped = 0

    def add(self, source: str) -> None:
        """Count one more of a source."""
        self._of[source] += 1
        self._capped += self._of[source] <= MOST_OF_ANOTHER

    def remove(self, source: str) -> None:
        """Count one less of a source."""
        self._capped -= self._of[source] <= MOST_OF_ANOTHER
        self._of[source] -= 1
        if not self._of[source]:
            del self._of[source]

    def ahead_of(self, source: str) -> int:
        """Return how many are in the way of one more of this source."""
        own = self._of.get(source, 0)
        return self._capped - min(own, MOST_OF_ANOTHER) + own
