"""Presence: the hashes that workers keep in Redis, their sum, and the data of users.

Each worker keeps one hash for each channel, ``Names.presence(channel, worker)``: uid to number of
connections, with the uid ``""`` for anonymous visitors. A live worker is in the set
``Names.workers`` and has a key ``Names.worker(worker)``, which expires ``WORKER_TTL_S`` after its
last heartbeat, and holds where it runs and how many connections it has (``write_beat``). A reader
skips the hashes of workers without that key. So no clocks are compared, and a killed worker
disappears within ``WORKER_TTL_S``.

To read: ``SMEMBERS`` the workers; then for each, in one pipeline, ``EXISTS`` its key and
``HGETALL`` its hash (``HGET`` for one user); then ``merge`` those that exist. All users that are
online: the presence of ``broadcast``. Every connection is subscribed to it, and it is counted under
every namespace policy.

Data: what Django says about a user is in the user record, field ``USER_DATA``. What pages say about
themselves is in a second hash for each channel and worker, ``page_data_key``: uid to the JSON
objects of the user's pages, with commas between them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from .inspection import WorkerName
from .limits import MAX_DATA_BYTES
from .names import Names

HEARTBEAT_S = 5
WORKER_TTL_S = 15
ANONYMOUS = b""

USER_DATA = "presence"
"""The field of a user record with the user's data, a JSON object, or ``null``."""

BYTES_OF_USER = 10
"""What each user who is present costs at least, also where an answer has only their number."""

MAX_REPLY_USERS = 256
"""The number of users whose data a presence reply has."""

MAX_REPLY_BYTES = 64 * 1024
"""The limit in bytes of the data in a presence reply."""

MAX_NOTICE_BYTES = 32 * 1024
"""The limit in bytes of the data of a user's pages in a notice."""


class _Beat(msgspec.Struct):
    connections: Annotated[int, msgspec.Meta(ge=0)]
    host: str = ""
    number: int = 0
    pid: int = 0


def write_beat(connections: int, worker: WorkerName | None = None) -> bytes:
    """Return the value of the key of a worker that has ``connections`` connections."""
    place = (worker.host, worker.number, worker.pid) if worker else ()
    return msgspec.json.encode(_Beat(connections, *place))


def read_beat(raw: bytes) -> int | None:
    """Return how many connections a worker has; None: it does not say, as older versions."""
    try:
        return msgspec.json.decode(raw, type=_Beat).connections
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def read_worker(worker: str, raw: bytes) -> WorkerName:
    """Return where a worker runs, by its key; older versions say only its id."""
    try:
        beat = msgspec.json.decode(raw, type=_Beat)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return WorkerName(worker)
    return WorkerName(worker, beat.host, beat.number, beat.pid)


@dataclass(frozen=True, slots=True)
class PresenceData:
    """Data of users and their pages, by uid.

    Args:
        users: a JSON object for each user that Django says something about.
        pages: a JSON object for each page that says something about itself.
        is_complete: False: a limit has left out the data of some users.
        size_bytes: of all that was read, with what a limit has left out.
    """

    users: dict[str, bytes]
    pages: dict[str, list[bytes]]
    is_complete: bool = True
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Present:
    """The presence of a channel: connections by uid, and those of anonymous visitors.

    ``data`` is None where the namespace has none.
    """

    users: dict[str, int]
    anonymous: int
    data: PresenceData | None = field(default=None, repr=False)

    @property
    def size_bytes(self) -> int:
        """About how much Redis was asked for."""
        return BYTES_OF_USER * len(self.users) + (self.data.size_bytes if self.data else 0)

    def plus(self, other: "Present") -> "Present":
        """Add up two counts of one channel."""
        users = Counter(self.users)
        users.update(other.users)
        return Present(dict(users), self.anonymous + other.anonymous)


def merge(hashes: Iterable[Mapping[bytes, bytes]]) -> Present:
    """Add up the workers' hashes of one channel."""
    counts: Counter[bytes] = Counter()
    for counted in hashes:
        counts.update({uid: int(count) for uid, count in counted.items()})
    anonymous = counts.pop(ANONYMOUS, 0)
    users = {uid.decode(errors="replace"): count for uid, count in counts.items() if count > 0}
    return Present(users, anonymous)


def page_data_key(names: Names, channel: str, worker: str) -> str:
    """Return the key of the data of pages on a channel at one worker, a hash."""
    return f"{names.key_prefix}page_data:{{{names.channel(channel)}}}:{worker}"


def is_data(raw: bytes) -> bool:
    """Return whether this is data of a user or a page: a JSON object that is not too large."""
    if len(raw) > MAX_DATA_BYTES:
        return False
    try:
        return isinstance(msgspec.json.decode(raw), dict)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False


def split_pages(stored: bytes) -> list[bytes]:
    """Split the data of a user's pages at one worker; malformed data is omitted."""
    try:
        pages = msgspec.json.decode(b"[%b]" % stored, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return []
    return [bytes(page) for page in pages if is_data(bytes(page))]


@dataclass(frozen=True, slots=True)
class StoredData:
    """The data of a user in Redis.

    Args:
        user: the field of the user record.
        pages: the field of each other live worker's hash.
    """

    user: bytes | None
    pages: tuple[bytes, ...] = ()

    @property
    def size_bytes(self) -> int:
        """How much was read."""
        return len(self.user or b"") + sum(map(len, self.pages))


def collect_data(found: Mapping[str, tuple[StoredData, tuple[bytes, ...]]]) -> PresenceData:
    """Collect data for a reply, as much as fits.

    Args:
        found: by uid, what is in Redis, and the data of pages at this worker.
    """
    users: dict[str, bytes] = {}
    pages: dict[str, list[bytes]] = {}
    left_bytes = MAX_REPLY_BYTES
    size_bytes = sum(stored.size_bytes for stored, _ in found.values())
    for uid, (stored, own) in found.items():
        of_user = stored.user if stored.user and is_data(stored.user) else b""
        of_pages = [*own, *(page for part in stored.pages for page in split_pages(part))]
        left_bytes -= len(of_user) + sum(map(len, of_pages))
        if left_bytes < 0:
            return PresenceData(users, pages, is_complete=False, size_bytes=size_bytes)
        if of_user:
            users[uid] = of_user
        if of_pages:
            pages[uid] = of_pages
    return PresenceData(users, pages, size_bytes=size_bytes)
