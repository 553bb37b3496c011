"""What pages say about themselves, such as "editing the title": in memory, with limits. Pure.

It belongs to a connection and a channel, and ends with the subscription. ``presence.py`` writes it
to Redis with the counts.
"""

from collections import Counter

from ..connections.connection import Connection

MAX_PAGES = 8
"""So many pages of a user may have data on one channel of this worker."""

MAX_USER_BYTES = 64 * 1024
"""So much data may the pages of a user have on all channels of this worker."""

ENTRY_BYTES = 64
"""What an entry costs beside its data."""

Entry = tuple[str, str]
"""A channel and a uid."""


class PageData:
    """The data of the pages that are connected to this worker."""

    def __init__(self) -> None:
        self._pages: dict[Entry, dict[Connection, bytes]] = {}
        self._bytes: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._pages)

    def of(self, channel: str, uid: str) -> tuple[bytes, ...]:
        """Return the data of a user's pages on a channel."""
        return tuple(self._pages.get((channel, uid), {}).values())

    def put(self, connection: Connection, channel: str, uid: str, data: bytes) -> bool:
        """Set the data of a page; empty removes it.

        Returns:
            False when it does not fit.
        """
        before = self._pages.get((channel, uid), {})
        is_new = connection not in before
        if data and is_new and len(before) >= MAX_PAGES:
            return False
        size = _size(data) - _size(before.get(connection, b""))
        if self._bytes[uid] + size > MAX_USER_BYTES:
            return False
        if data:
            self._pages.setdefault((channel, uid), {})[connection] = data
            self._bytes[uid] += size
        else:
            self.drop(connection, channel, uid)
        return True

    def drop(self, connection: Connection, channel: str, uid: str) -> bool:
        """Remove the data of a page; return whether there was some."""
        pages = self._pages.get((channel, uid), {})
        data = pages.pop(connection, None)
        if data is None:
            return False
        if not pages:
            del self._pages[channel, uid]
        self._bytes[uid] -= _size(data)
        if not self._bytes[uid]:
            del self._bytes[uid]
        return True

    def keep(self, entries: set[Entry]) -> None:
        """Remove all data but that of these entries."""
        for channel, uid in [entry for entry in self._pages if entry not in entries]:
            for connection in tuple(self._pages[channel, uid]):
                self.drop(connection, channel, uid)

    def entries(self) -> list[Entry]:
        """List the channels and uids with data."""
        return list(self._pages)


def _size(data: bytes) -> int:
    return len(data) + ENTRY_BYTES if data else 0
