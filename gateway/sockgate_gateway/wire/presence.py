"""Presence: the hashes that workers keep in Redis, and their sum.

Each worker keeps one hash for each channel, ``Names.presence(channel, worker)``: uid to number of
connections, with the uid ``""`` for anonymous visitors. A live worker is in the set
``Names.workers`` and has a key ``Names.worker(worker)``, which expires ``WORKER_TTL_S`` after its
last heartbeat. A reader skips the hashes of workers without that key. So no clocks are compared,
and a killed worker disappears within ``WORKER_TTL_S``.

To read: ``SMEMBERS`` the workers; then for each, in one pipeline, ``EXISTS`` its key and
``HGETALL`` its hash (``HGET`` for one user); then ``merge`` those that exist. All users that are
online: the presence of ``broadcast``. Every connection is subscribed to it, and it is counted under
every namespace policy.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HEARTBEAT_S = 5
WORKER_TTL_S = 15
ANONYMOUS = b""


@dataclass(frozen=True, slots=True)
class Present:
    """The presence of a channel: connections by uid, and those of anonymous visitors."""

    users: dict[str, int]
    anonymous: int

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
