"""What presence writes to Redis, and reads there: the interface of the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..wire.presence import Present, StoredData
from .presence_counts import Changed


@dataclass(frozen=True, slots=True)
class Change:
    """How many connections a user has on a channel of this worker now.

    ``uid`` is empty for anonymous visitors. ``has_notices``: the connections on the channel
    receive ``join`` and ``leave``. ``has_data``: presence on the channel shows data. ``pages``: the
    data of the user's pages, JSON objects with commas between them; None: pages have none here.
    ``changed``: which data has changed since the last write.
    """

    channel: str
    uid: str
    count: int
    has_notices: bool
    has_data: bool = False
    pages: bytes | None = None
    changed: Changed = Changed.NOTHING


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a heartbeat has shown.

    ``live``: the other workers that live. ``was_forgotten``: Redis took this worker for dead, and
    its users for gone. ``is_stale``: what the worker has written will expire soon. ``connections``:
    of the other live workers that say how many they have.
    """

    live: frozenset[str]
    was_forgotten: bool
    is_stale: bool = False
    connections: Mapping[str, int] = field(default_factory=dict)


class PresenceStore(Protocol):
    """The presence of all workers in Redis. All methods raise ``BrokerUnavailable``."""

    async def beat(self, connections: int) -> Heartbeat:
        """Renew the sign that this worker lives, and say how many connections it has."""

    async def write(self, changes: Sequence[Change], *, is_back: bool = False) -> None:
        """Write counts of this worker; if it is back, its users count as new."""

    async def read_others(self, channel: str) -> Present:
        """Add up the counts of a channel at all other workers that live."""

    async def read_data(
        self, channel: str, uids: Sequence[str], *, has_pages: bool
    ) -> list[StoredData]:
        """Read the data of users, and that of their pages at all other workers that live."""

    async def read_worker(self, channel: str, worker: str) -> Present:
        """Read the last counts of a channel at one worker."""

    async def remove_worker(self) -> None:
        """Remove this worker."""
