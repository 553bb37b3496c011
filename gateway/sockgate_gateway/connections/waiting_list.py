"""Connections by source and age, and the one to close when there are too many. Pure.

Strategy: an attacker from a few addresses reaches any limit, so a full list never refuses the
newest connection. It closes the oldest connection of the fullest source. That one is the
attacker's, because a browser waits only for a moment and beside few others of its address. Sources
are grouped by their number of connections, so every operation takes the same short time at any
length.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class WaitingList(Generic[T]):
    """Connections in the order in which they entered."""

    def __init__(self) -> None:
        self._source_of: dict[T, str] = {}
        self._by_source: dict[str, dict[T, None]] = {}
        self._by_count: dict[int, dict[str, None]] = {}
        self._fullest = 0

    def __len__(self) -> int:
        return len(self._source_of)

    def count(self, source: str) -> int:
        """Count the connections of a source."""
        return len(self._by_source.get(source, ()))

    def source_of(self, connection: T) -> str:
        """Return the source of a connection in the list."""
        return self._source_of[connection]

    def enter(self, connection: T, source: str) -> None:
        """Add the newest connection."""
        self._source_of[connection] = source
        peers = self._by_source.setdefault(source, {})
        peers[connection] = None
        self._recount(source, len(peers) - 1, len(peers))

    def leave(self, connection: T) -> bool:
        """Remove a connection; return whether it was in the list."""
        source = self._source_of.pop(connection, None)
        if source is None:
            return False
        peers = self._by_source[source]
        del peers[connection]
        if not peers:
            del self._by_source[source]
        self._recount(source, len(peers) + 1, len(peers))
        return True

    def oldest_of(self, source: str) -> T | None:
        """Return the oldest connection of a source."""
        return next(iter(self._by_source.get(source, ())), None)

    def oldest_of_fullest(self) -> T | None:
        """Return the oldest connection of the source with the most connections."""
        fullest = next(iter(self._by_count.get(self._fullest, ())), None)
        return None if fullest is None else self.oldest_of(fullest)

    def _recount(self, source: str, before: int, count: int) -> None:
        if before:
            sources = self._by_count[before]
            del sources[source]
            if not sources:
                del self._by_count[before]
        if count:
            self._by_count.setdefault(count, {})[source] = None
        if count > self._fullest or self._fullest not in self._by_count:
            self._fullest = count
