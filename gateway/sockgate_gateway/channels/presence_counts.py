"""This worker's connections on each channel, counted by user. Pure but for an event.

The hub adds and removes connections; ``presence.py`` writes what has changed to Redis.
"""

import asyncio
from collections import Counter
from enum import IntFlag

from ..connections.connection import Connection
from ..wire.names import BROADCAST
from ..wire.namespaces import Policy
from ..wire.presence import Present
from ..wire.tenants import without_tenant
from .page_data import Entry, PageData


class Changed(IntFlag):
    """What has changed of a user beside the number of connections."""

    NOTHING = 0
    USER_DATA = 1
    PAGE_DATA = 2


Unwritten = dict[Entry, Changed]
"""What is to be written: a channel and a uid; the uid of anonymous visitors is empty."""


class PresenceCounts:
    """Count subscribed connections, and note which counts were not written yet.

    ``changed`` is set when counts are to be written soon. ``workers`` is how many workers lived at
    the last heartbeat, with this one; ``Presence.heartbeat`` sets it. ``connections`` is how many
    connections of this worker are welcome, ``connections_elsewhere`` how many other workers have.
    ``pages`` has the data of pages.
    """

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}
        self._unwritten: Unwritten = {}
        self.pages = PageData()
        self.changed = asyncio.Event()
        self.workers = 1
        self.connections = 0
        self.connections_elsewhere = 0

    def add(self, connection: Connection, channel: str, policy: Policy) -> None:
        """Count a connection that is subscribed to a channel, if the channel is counted.

        Those with presence in their policy are counted, and ``broadcast``.
        """
        if policy.presence or without_tenant(channel) == BROADCAST:
            self._count(channel, connection.uid or "", 1)

    def remove(self, connection: Connection, channel: str) -> None:
        """Stop counting a connection, which was subscribed to a channel."""
        self.remove_user(connection, channel, connection.uid)

    def remove_user(self, connection: Connection, channel: str, uid: str | None) -> None:
        """Stop counting a connection as one of a user, or of a visitor (None)."""
        uid = uid or ""
        if self.pages and self.pages.drop(connection, channel, uid):
            self.note(channel, uid, Changed.PAGE_DATA)
        if channel in self._counts and self._counts[channel][uid] > 0:
            self._count(channel, uid, -1)

    def set_page_data(self, connection: Connection, channel: str, uid: str, data: bytes) -> bool:
        """Set the data of a page, of a counted connection; False: it does not fit."""
        is_set = self.pages.put(connection, channel, uid, data)
        if is_set:
            self.note(channel, uid, Changed.PAGE_DATA)
        return is_set

    def note(self, channel: str, uid: str, what: Changed) -> None:
        """Note that data of a user has changed, on a channel where the user is counted."""
        if self.of(channel, uid):
            self._unwritten[channel, uid] = self._unwritten.get((channel, uid), what) | what
            self.changed.set()

    def channels(self) -> list[str]:
        """List the channels with connections that are counted."""
        return list(self._counts)

    def of(self, channel: str, uid: str) -> int:
        """Return how many connections of a user are counted on a channel."""
        return self._counts[channel][uid] if channel in self._counts else 0

    def present(self, channel: str) -> Present:
        """Return who is subscribed to a channel at this worker."""
        users = dict(self._counts.get(channel, ()))
        anonymous = users.pop("", 0)
        return Present(users, anonymous)

    def clear(self) -> None:
        """Forget all counts; each of them is to be written again."""
        self.mark_all()
        self._counts = {}
        self.connections = 0
        self.changed.set()

    def mark_all(self) -> None:
        """Note that every count is to be written again."""
        for channel, counts in self._counts.items():
            for uid in counts:
                self._unwritten.setdefault((channel, uid), Changed.NOTHING)

    def put_back(self, unwritten: Unwritten) -> None:
        """Note that these counts could not be written; the next heartbeat tries again."""
        later = self._unwritten
        self._unwritten = dict(unwritten)
        for entry, what in later.items():
            self._unwritten[entry] = self._unwritten.get(entry, what) | what

    def retry(self) -> None:
        """Set ``changed`` if counts are unwritten."""
        if self._unwritten:
            self.changed.set()

    def take_unwritten(self) -> Unwritten:
        """Return the counts that are to be written, and mark them as written."""
        self.changed.clear()
        unwritten, self._unwritten = self._unwritten, {}
        return unwritten

    def _count(self, channel: str, uid: str, step: int) -> None:
        counts = self._counts.setdefault(channel, Counter())
        counts[uid] += step
        if channel.endswith(BROADCAST) and without_tenant(channel) == BROADCAST:
            self.connections += step
        if not counts[uid]:
            del counts[uid]
        if not counts:
            del self._counts[channel]
        self._unwritten.setdefault((channel, uid), Changed.NOTHING)
        self.changed.set()
