"""How a worker is, for the questions of Django, and its last hour in minutes."""

import os
from collections import deque

from .. import __version__
from ..broker.redis_watch import RedisWatch
from ..histogram import SECONDS
from ..wire.inspection import WorkerState
from ..wire.key_ids import key_ids
from .metrics.processes import process_values
from .parts import Parts
from .watch.health import Health

MINUTE_S = 60.0
MINUTES = 60
_MOST = 0.99


class LastHour:
    """The connections of each minute, and the deliveries in it.

    Args:
        parts: count both.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._deliveries = 0
        self._late_before = self._late_since = parts.wheel.lags.read()
        self.minutes: deque[tuple[int, int]] = deque(maxlen=MINUTES)
        parts.wheel.schedule(self, MINUTE_S)

    def on_timer(self, now: float) -> None:
        """Note a minute that has ended."""
        deliveries = self._parts.hub.deliveries
        self.minutes.append((len(self._parts.registry.connections), deliveries - self._deliveries))
        self._deliveries = deliveries
        self._late_before, self._late_since = self._late_since, self._parts.wheel.lags.read()
        self._parts.wheel.schedule(self, MINUTE_S)

    @property
    def lag_s(self) -> float:
        """How late 99 of 100 turns of the loop were at most in the last minute or two."""
        pairs = zip(self._parts.wheel.lags.read()[:-1], self._late_before[:-1], strict=True)
        return _bound_of_most([now - before for now, before in pairs])


def state_of(parts: Parts, health: Health, redis: RedisWatch, hour: LastHour) -> WorkerState:
    """Describe a worker."""
    memory_bytes = process_values(os.getpid()).get("process_resident_memory_bytes", 0.0)
    return WorkerState(
        health.reasons,
        health.notes,
        len(parts.registry.connections),
        len(parts.registry.by_uid),
        hour.lag_s,
        memory_bytes,
        redis.latency_s,
        __version__,
        tuple(key_ids(parts.config.signing_keys)),
        list(hour.minutes),
    )


def _bound_of_most(counts: list[float]) -> float:
    """Return the bucket below which 99 of 100 values are."""
    wanted, found = _MOST * sum(counts), 0.0
    for count, bound in zip(counts, SECONDS, strict=False):
        found += count
        if found >= wanted:
            return bound
    return SECONDS[-1]
