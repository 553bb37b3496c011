"""Who is where: the hashes that workers keep in Redis, and how to add them up.

Each worker keeps one hash for each channel, ``Names.presence(channel, worker)``: uid to number of
connections, with the uid ``""`` for anonymous visitors. A worker that lives is in the set
``Names.workers`` and has a key ``Names.worker(worker)`` that expires ``WORKER_TTL_S`` after its
last heartbeat; whoever reads passes over the hashes of workers without that key, so no clocks are
compared, and a worker that was killed is forgotten within ``WORKER_TTL_S``.

To read: ``SMEMBERS`` the workers; then for each, in one pipeline, ``EXISTS`` its key and
``HGETALL`` its hash (``HGET`` for one user); then ``merge`` those that exist. All users that are
online: the presence of ``broadcast``, which every connection hears and every namespace policy
leaves counted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HEARTBEAT_S = 5
WORKER_TTL_S = 15
ANONYMOUS = b""


@dataclass(frozen=True, slots=True)
class Present:
    """Who is on a channel: connections by uid, and those of anonymous visitors."""

    users: dict[str, int]
    anonymous: int


def merge(hashes: Iterable[Mapping[bytes, bytes]]) -> Present:
    """Add up what the workers keep of one channel."""
    counts: Counter[bytes] = Counter()
    for counted in hashes:
        counts.update({uid: int(count) for uid, count in counted.items()})
    anonymous = counts.pop(ANONYMOUS, 0)
    users = {uid.decode(errors="replace"): count for uid, count in counts.items() if count > 0}
    return Present(users, anonymous)
