"""What a worker remembers of ends, refusals and gaps, for ``manage.py sockgate_why``. Pure.

Strategy: nothing is noted for a publication or a connect that goes well. What is noted belongs to a
user or to a channel, and each of them has a few records. So nobody pushes out what is remembered of
others by failing often, and all records together are bounded.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from time import time
from typing import Generic, TypeVar

from ..wire.contract import Position
from ..wire.inspection import (
    MAX_CAUSE_LENGTH,
    MAX_CHANNELS,
    Ended,
    LinkLost,
    LinkRestored,
    Missed,
    OfUser,
    OfWorker,
    Recovered,
    Refused,
    Revoked,
)
from ..wire.limits import MAX_CHANNEL_LENGTH
from .connection import Connection
from .outlet import Transport

MAX_OF_USERS = 2000
MAX_OF_CHANNELS = 1000
MAX_EACH = 32
"""The records of one user, or of one channel."""
MAX_OF_WORKER = 100

R = TypeVar("R")


class Shelves(Generic[R]):
    """The newest records of each key; when there are too many, the key written longest ago goes.

    Args:
        total: how many records are kept.
        each: how many of one key.
    """

    def __init__(self, total: int, each: int) -> None:
        self._total = total
        self._each = each
        self._count = 0
        self._records: OrderedDict[str, list[R]] = OrderedDict()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, key: str) -> list[R]:
        return self._records.get(key, [])

    def add(self, key: str, record: R) -> None:
        """Add a record, which is newer than all others."""
        records = self._records.get(key)
        if records is None:
            self._records[key] = [record]
        else:
            self._records.move_to_end(key)
            records.append(record)
        self._count += 1
        if records and len(records) > self._each:
            del records[0]
            self._count -= 1
        while self._count > self._total:
            _, oldest = self._records.popitem(last=False)
            self._count -= len(oldest)


class Journal:
    """The records of a worker.

    Args:
        clock: returns Unix seconds.

    ``unknown`` counts, by close code, connections that have ended before their user was known.
    """

    def __init__(self, clock: Callable[[], float] = time) -> None:
        self.clock = clock
        self.started_at = clock()
        self.of_user: Shelves[OfUser] = Shelves(MAX_OF_USERS, MAX_EACH)
        self.of_channel: Shelves[Missed] = Shelves(MAX_OF_CHANNELS, MAX_EACH)
        self.of_worker: deque[OfWorker] = deque(maxlen=MAX_OF_WORKER)
        self.unknown: Counter[str] = Counter()

    def ended(
        self,
        connection: Connection,
        transport: Transport,
        uid: str | None,
        code: int,
        *,
        by_client: bool,
        cause: str,
        was_open: bool,
        lived_s: float,
        channels: tuple[str, ...],
    ) -> None:
        """Note the end of a connection that its transport does not have any more."""
        if uid is None:
            if not was_open:
                self.unknown["client" if by_client else str(int(code))] += 1
            return
        at = self.clock()
        record = Ended(
            at,
            connection.id,
            at - lived_s,
            transport.name,
            connection.address,
            transport.agent,
            int(code),
            by_client,
            cause[:MAX_CAUSE_LENGTH],
            was_open,
            channels[:MAX_CHANNELS],
        )
        self.of_user.add(uid, record)

    def refused(self, connection: Connection, channel: str, code: str, cause: str) -> None:
        """Note that a request of a user was refused."""
        if connection.uid is not None:
            name, why = channel[:MAX_CHANNEL_LENGTH], cause[:MAX_CAUSE_LENGTH]
            record = Refused(self.clock(), connection.id, name, code, why)
            self.of_user.add(connection.uid, record)

    def revoked(self, connection: Connection, channel: str, cause: str) -> None:
        """Note that a channel was taken from a user."""
        if connection.uid is not None:
            self.of_user.add(connection.uid, Revoked(self.clock(), connection.id, channel, cause))

    def recovered(
        self, connection: Connection, channel: str, since: Position, publications: int
    ) -> None:
        """Note that a user has received what was missed."""
        if connection.uid is not None:
            record = Recovered(self.clock(), connection.id, channel, since, publications)
            self.of_user.add(connection.uid, record)

    def missed(
        self,
        connection: Connection,
        channel: str,
        cause: str,
        before: Position | None,
        after: Position | None,
    ) -> None:
        """Note that one connection was sent ``gap``, or was told so with its subscription."""
        if connection.uid is not None:
            record = Missed(self.clock(), channel, cause, connection.id, 1, before, after)
            self.of_user.add(connection.uid, record)

    def missed_by_all(
        self,
        channel: str,
        cause: str,
        connections: int,
        before: Position | None,
        after: Position | None,
    ) -> None:
        """Note that all connections of a channel were sent ``gap``."""
        record = Missed(self.clock(), channel, cause, "", connections, before, after)
        self.of_channel.add(channel, record)

    def link_lost(self, cause: str) -> None:
        """Note that the link to Redis is lost."""
        self.of_worker.append(LinkLost(self.clock(), cause[:MAX_CAUSE_LENGTH]))

    def link_restored(self) -> None:
        """Note that the link stands."""
        self.of_worker.append(LinkRestored(self.clock()))
