"""Finding the users who are offline, for the signal ``user_offline``.

Strategy: gateways note when a worker's last connection of a user has gone (``wire/online.py``).
The sweep looks at those who left ``OFFLINE_AFTER`` seconds ago or earlier. A worker that was killed
notes nothing. So when a live worker is missed, and every few minutes, the sweep compares all who
are online with the live workers. All steps are scripts that may run twice: several processes
may sweep at once, and each change is still one event.
"""

from collections.abc import Iterator
from time import monotonic, time
from typing import Any

from sockgate_gateway.wire.online import MAX_EVENTS, OnlineKeys
from sockgate_gateway.wire.scripts import ABSENT, OFFLINE

from .. import conf
from ..redis_clients import pools

AT_ONCE = 500
"""How many users one script checks; in the meantime Redis serves nobody else."""

COMPARE_S = 300.0
"""All who are online are compared with the live workers so often, whatever happens."""


class OnlineSweep:
    """Sweeps, for one process."""

    def __init__(self) -> None:
        self._workers: frozenset[str] | None = None
        self._compared_at = 0.0

    def run(self) -> None:
        """Write an event for each user who is offline now.

        Raises:
            redis.RedisError: Redis fails or does not answer.
        """
        keys, workers = OnlineKeys(conf.current().names), live_workers()
        sets = [keys.at(worker) for worker in sorted(workers)]
        if self._must_compare(workers):
            for uids in _chunks(keys.online):
                _eval(ABSENT, [keys.leaving, *sets], [_now_ms(), *uids])
            self._workers, self._compared_at = workers, monotonic()
        self._workers = workers
        after_ms = int(conf.current().offline_after * 1000)
        while _eval(
            OFFLINE,
            [keys.online, keys.leaving, keys.events, *sets],
            [after_ms, AT_ONCE, MAX_EVENTS, _now_ms()],
        ):
            continue

    def _must_compare(self, workers: frozenset[str]) -> bool:
        if self._workers is None or self._workers - workers:
            return True
        return monotonic() - self._compared_at > COMPARE_S


def live_workers() -> frozenset[str]:
    """Return the gateway's workers that live.

    Raises:
        redis.RedisError: Redis fails or does not answer.
    """
    client, names = pools.records(), conf.current().names
    members: Any = client.smembers(names.workers)
    workers = sorted(member.decode() for member in members)
    with client.pipeline(transaction=False) as pipe:
        for worker in workers:
            pipe.exists(names.worker(worker))
        found = zip(workers, pipe.execute(), strict=True)
    return frozenset(worker for worker, lives in found if lives)


def _chunks(key: str) -> Iterator[list[bytes]]:
    cursor: Any = 0
    while True:
        reply: Any = pools.records().sscan(key, cursor, count=AT_ONCE)
        cursor, uids = reply
        if uids:
            yield uids
        if not cursor:
            return


def _now_ms() -> int:
    return int(time() * 1000)


def _eval(script: str, keys: list[str], arguments: list[Any]) -> int:
    reply: Any = pools.records().eval(script, len(keys), *keys, *arguments)
    return reply or 0
