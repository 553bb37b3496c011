"""What is wrong with Redis although it answers: slow, another clock, evicted keys, no writes.

Strategy: every 10 s a script returns the time of Redis, compared with our time in the middle of the
round trip, its evicted keys, and whether it takes a write. An answer may be late because this
worker is busy, so Redis counts as slow only when the fastest of several answers was slow. The
readings of the session probe, every 2 s, count as answers, too.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from time import time
from typing import Any

from redis.asyncio import Redis

from ..histogram import SECONDS, Histogram
from ..loop.failure_log import FailureLog
from ..loop.timer_wheel import TimerWheel
from ..redis_servers.errors import FAILURES, is_own_limit
from ..wire.names import Names
from .errors import BUSY
from .servers.single import is_pool_busy

log = logging.getLogger("sockgate.broker")

INTERVAL_S = 10.0
ANSWERS = 5
"""The fastest of this number of answers counts."""

SLOW_S = 0.1
MAX_CLOCK_OFFSET_S = 5.0
REMEMBER_EVICTIONS_S = 60.0
SHARDS = 64
"""The number of keys over which the calls go round on a cluster."""

WRITE_REFUSALS = {
    "OOM": "its memory is full: raise maxmemory, or look what fills it",
    "MISCONF": "it cannot save its data: look at its disk and its log",
    "NOREPLICAS": "too few replicas follow it: start them",
    "READONLY": "it is a replica: name the master",
}
"""The first word of the error, and what is to be done. What is refused by an ACL is not ours."""

_SCRIPT = files(__package__).joinpath("watch.lua").read_text("utf-8")


class Timing:
    """The time of one command; None where it says nothing about Redis."""

    took_s: float | None = None


class RedisWatch:
    """Ask Redis for its time and its evictions, and write to it, as long as the worker lives.

    Args:
        client: for short commands.
        names: of this deployment.
        wheel: for its clock, and says whether this worker is late itself.
        wall_clock: returns Unix seconds.

    ``evicted``: keys evicted since this worker started. ``round_trips``: of all answers.
    """

    def __init__(
        self, client: Redis, names: Names, wheel: TimerWheel, wall_clock: Callable[[], float] = time
    ) -> None:
        self._client: Any = client
        self._names = names
        self._wheel = wheel
        self._clock = wheel.clock
        self._wall_clock = wall_clock
        self._logs = {
            event: FailureLog(log, event, wheel.clock)
            for event in (
                "redis_slow",
                "clock_differs",
                "may_evict",
                "keys_evicted",
                "writes_refused",
            )
        }
        self._latencies_s: deque[float] = deque(maxlen=ANSWERS)
        self.round_trips = Histogram(SECONDS)
        self._evicted_by_server: dict[bytes, int] = {}
        self._evicted_lately: deque[tuple[float, int]] = deque()
        self._policy = ""
        self._calls = 0
        self._redis_epoch_s: float | None = None
        self.evicted = 0
        self._write_error = ""

    @property
    def latency_s(self) -> float | None:
        """The fastest of the last answers; None: there are none yet."""
        return min(self._latencies_s, default=None)

    @property
    def offset_s(self) -> float | None:
        """How far the clock of Redis is ahead of ours; None: not known yet.

        The clock of Redis is continued by the monotonic one, so that a step of ours shows at once.
        """
        if self._redis_epoch_s is None:
            return None
        return self._redis_epoch_s + self._clock() - self._wall_clock()

    @property
    def own_connections_busy(self) -> int:
        """How many commands of this worker have found no free connection to Redis."""
        return BUSY.total

    @property
    def is_clock_different(self) -> bool:
        """Whether the clock of Redis differs from ours by more than is harmless."""
        offset_s = self.offset_s
        return offset_s is not None and abs(offset_s) > MAX_CLOCK_OFFSET_S

    @property
    def takes_writes(self) -> bool:
        """Whether Redis took the last write; True also where the Redis user may not write."""
        return self._write_error not in WRITE_REFUSALS

    @property
    def notes(self) -> list[str]:
        """Say what is wrong."""
        return [text for text in self._findings().values() if text]

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            try:
                await self._ask()
            except FAILURES as error:
                if not is_own_limit(error):
                    self._latencies_s.clear()  # Others report that Redis is away.
            except Exception:
                log.exception("event=redis_watch_failed")
            for event, text in self._findings().items():
                if text:
                    self._logs[event].failed(RuntimeError(text))
                else:
                    self._logs[event].succeeded()
            await asyncio.sleep(INTERVAL_S)

    @contextmanager
    def timing(self) -> Iterator["Timing"]:
        """Count the time of a command as an answer, unless it has waited for this worker."""
        timing = Timing()
        has_to_wait, asked_at = is_pool_busy(self._client), self._clock()
        yield timing
        if not (self._wheel.is_late or has_to_wait):
            timing.took_s = self._clock() - asked_at
            self._latencies_s.append(timing.took_s)
            self.round_trips.observe(timing.took_s)

    async def _ask(self) -> None:
        key = f"{self._names.key_prefix}watch:{self._calls % SHARDS}"
        self._calls += 1
        asked_at = self._clock()
        with self.timing() as timing:
            reply = await self._client.eval(_SCRIPT, 1, key)
        seconds, microseconds, server, evicted, policy, refusal = reply
        if timing.took_s is not None and seconds:
            middle = asked_at + timing.took_s / 2
            self._redis_epoch_s = int(seconds) + int(microseconds) / 1e6 - middle
        self._write_error = refusal.decode("utf-8", "replace").lstrip("-").partition(" ")[0]
        if evicted:
            self._note_evictions(server, int(evicted))
            self._policy = policy.decode()

    def _note_evictions(self, server: bytes, evicted: int) -> None:
        new = evicted - self._evicted_by_server.get(server, evicted)
        self._evicted_by_server[server] = evicted
        if new > 0:
            self.evicted += new
            self._evicted_lately.append((self._clock(), new))

    def _findings(self) -> dict[str, str]:
        return {
            "redis_slow": self._slowness(),
            "clock_differs": self._clock_difference(),
            "may_evict": self._eviction_policy(),
            "keys_evicted": self._evictions(),
            "writes_refused": self._refused_writes(),
        }

    def _slowness(self) -> str:
        latency_s = self.latency_s
        if latency_s is None or len(self._latencies_s) < ANSWERS or latency_s < SLOW_S:
            return ""
        return f"Redis is slow: it answers after {latency_s * 1000:.0f} ms or more"

    def _clock_difference(self) -> str:
        offset_s = self.offset_s
        if offset_s is None or not self.is_clock_different:
            return ""
        where = "behind" if offset_s > 0 else "ahead of"
        return (
            f"the clock of this host is {abs(offset_s):.1f} s {where} that of Redis: "
            "synchronize the clocks of all hosts (NTP)"
        )

    def _eviction_policy(self) -> str:
        if not self._policy.startswith("allkeys"):
            return ""
        return (
            f"maxmemory-policy {self._policy}: Redis evicts any key once its memory is full, "
            "logins too; set noeviction"
        )

    def _evictions(self) -> str:
        limit = self._clock() - REMEMBER_EVICTIONS_S
        while self._evicted_lately and self._evicted_lately[0][0] < limit:
            self._evicted_lately.popleft()
        count = sum(count for _, count in self._evicted_lately)
        if not count:
            return ""
        policy = f" (maxmemory-policy {self._policy})" if self._policy else ""  # '': no maxmemory.
        return (
            f"Redis has evicted {count} keys in the last minute{policy}: "
            "their users are logged out (4402); set noeviction or give Redis more memory"
        )

    def _refused_writes(self) -> str:
        if self.takes_writes:
            return ""
        return (
            f"Redis refuses writes ({self._write_error}): {WRITE_REFUSALS[self._write_error]}; "
            "logins, logouts, presence and sequenced publications fail"
        )
