"""Whether sessions can be read; without them, a worker refuses every connect.

Strategy: sessions that do not exist are read by the same script as those of a connect, on each
shard of a cluster. That fails while a primary without a replica is down, and for a Redis user who
may subscribe but not read.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import inf
from typing import Any

from redis.crc import key_slot

from ..connections.connection import Claim
from ..errors import BrokerUnavailable
from ..loop.failure_log import FailureLog
from ..loop.timer_wheel import TimerWheel
from ..wire.names import Names
from .redis_watch import RedisWatch
from .servers.single import Servers
from .sessions import RedisSessionReader

log = logging.getLogger("sockgate.broker")

INTERVAL_S = 2.0
RETRY_S = 0.5
HISTORIES_EVERY = 5
"""Histories are read with every fifth success: what permits the one permits the other, mostly."""

FRESH_S = 5.0
"""How long a success counts, so that one failure between successes changes nothing."""

SAMPLES = 2048
"""With this number of names, every shard has one that holds more than a few of the 16,384 slots."""


class SessionProbe:
    """Read sessions repeatedly, as long as the worker lives.

    Args:
        servers: hold the sessions.
        sessions: reads them.
        names: of this deployment.
        wheel: for its clock.
        watch: receives how long each reading has taken.
    """

    def __init__(
        self,
        servers: Servers,
        sessions: RedisSessionReader,
        names: Names,
        wheel: TimerWheel,
        watch: RedisWatch,
    ) -> None:
        self._watch = watch
        self._successes = 0
        self._servers = servers
        self._sessions = sessions
        self._clock = wheel.clock
        self._failures = FailureLog(log, "sessions_unreadable", wheel.clock)
        self._read_at = -inf
        texts = [f"probe-{number}" for number in range(SAMPLES if servers.is_sharded else 1)]
        self._sids = {key_slot(names.session(text).encode()): text for text in texts}
        self._uids = {key_slot(names.user(text).encode()): text for text in texts}

    @property
    def is_fresh(self) -> bool:
        """Return whether sessions were read lately, on every shard."""
        return self._clock() - self._read_at < FRESH_S

    @property
    def problem(self) -> str:
        """Say why sessions count as unreadable; empty: they do not."""
        if self.is_fresh:
            return ""
        cause = f": {self._failures.latest}" if self._failures.latest else ""
        since = "yet" if self._read_at == -inf else f"for {self._clock() - self._read_at:.1f} s"
        return f"sessions not read {since}{cause}"

    async def run(self, read_histories: Callable[[], Awaitable[object]]) -> None:
        """Read until cancelled.

        Args:
            read_histories: reads what else every connect needs; raises as sessions do.
        """
        while True:
            is_readable = await self._is_readable(read_histories)
            await asyncio.sleep(INTERVAL_S if is_readable else RETRY_S)

    async def _is_readable(self, read_histories: Callable[[], Awaitable[object]]) -> bool:
        try:
            with self._watch.timing():
                await self._sessions.read_many(self._claims())
            if self._successes % HISTORIES_EVERY == 0:
                await read_histories()
        except BrokerUnavailable as error:
            self._successes = 0
            self._failures.failed(error)
            return False
        except Exception:
            log.exception("event=session_probe_failed")
            return False
        self._successes += 1
        self._read_at = self._clock()
        self._failures.succeeded()
        return True

    def _claims(self) -> Sequence[Claim]:
        """Return a session and a user for each shard."""
        if not self._servers.is_sharded:
            return list(zip(self._sids.values(), self._uids.values(), strict=True))
        owners = self._servers.owners()
        sids, uids = _one_each(self._sids, owners), _one_each(self._uids, owners)
        return [(sid, uids.get(owner)) for owner, sid in sids.items()]


def _one_each(names: Mapping[int, str], owners: Mapping[int, Any]) -> dict[str, str]:
    """Choose a name for each owner of slots; slots without an owner count as one more."""
    chosen: dict[str, str] = {}
    for slot, name in names.items():
        chosen.setdefault(owners.get(slot, ""), name)
    return chosen
