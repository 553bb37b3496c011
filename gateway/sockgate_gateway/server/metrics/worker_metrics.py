"""What one worker reads for its metrics when it is asked: the hot paths do nothing for them."""

import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ... import __version__
from ...connections.outbox import WAITING
from ...histogram import Histogram
from ...loop.failure_log import FAILED
from ..log_writer import dropped_lines
from ..parts import Parts
from .families import Labels, Readings, Value, families
from .processes import process_values


class Readiness(Protocol):
    """Whether a worker serves its clients."""

    @property
    def reasons(self) -> list[str]:
        """Why it would not be served."""

    @property
    def notes(self) -> list[str]:
        """What is wrong although it would be served."""


class RedisHealth(Protocol):
    """How Redis answers. ``evicted``: keys since the start."""

    evicted: int
    round_trips: Histogram

    @property
    def offset_s(self) -> float | None:
        """How far the clock of Redis is ahead of ours."""

    @property
    def latency_s(self) -> float | None:
        """The fastest of the last answers."""

    @property
    def own_connections_busy(self) -> int:
        """How many commands have found no free connection of this worker."""

    @property
    def takes_writes(self) -> bool:
        """Whether it took the last write."""


class PubSub(Protocol):
    """The subscribed connection.

    ``probe_times``: until probes came back. ``classic_publications``: that came by ``PUBLISH``
    where ``SPUBLISH`` arrives, too.
    """

    probe_times: Histogram
    classic_publications: int


class Refusals(Protocol):
    """What the listeners refuse or close before it is a connection."""

    @property
    def displaced_requests(self) -> int:
        """How many connections without a complete request were closed for another one."""

    @property
    def refused_origins(self) -> int:
        """How many requests came from pages of other origins."""

    @property
    def accept_pauses(self) -> int:
        """How often new clients had to wait, because no descriptor was left."""


class Balance(Protocol):
    """What sends clients away. ``sent``: how many."""

    sent: int


class WorkerMetrics(Collector):
    """Read the metrics of one worker.

    Args:
        parts: count what happens.
        unknown_sockjs_sessions: requests for SockJS sessions that are not open, by cause.
        listeners: count what they refuse.
        readiness: whether the worker is ready.
        redis: how Redis answers.
        pubsub: what arrives from Redis, and how long probes take.
        balance: sends clients away.
    """

    def __init__(
        self,
        parts: Parts,
        unknown_sockjs_sessions: Mapping[str, int],
        listeners: Refusals,
        readiness: Readiness,
        redis: RedisHealth,
        pubsub: PubSub,
        balance: Balance,
    ) -> None:
        self._parts = parts
        self._unknown_sockjs_sessions = unknown_sockjs_sessions
        self._listeners = listeners
        self._readiness = readiness
        self._redis = redis
        self._pubsub = pubsub
        self._balance = balance

    def collect(self) -> Iterable[Metric]:
        """Return all metrics, with those of the process."""
        readings = self.read()
        readings.update({name: [((), v)] for name, v in process_values(os.getpid()).items()})
        return families(readings, host=False)

    def read(self) -> Readings:
        """Return the readings of all metrics but those of the process."""
        return {
            **{name: [((), value)] for name, value in self._single().items()},
            **{name: _by_label(values) for name, values in self._labelled().items()},
            "sockgate_build_info": [((__version__, platform.python_version()), 1.0)],
        }

    def _single(self) -> dict[str, Value]:
        parts, redis = self._parts, self._redis
        hub, lifecycle, registry = parts.hub, parts.lifecycle, parts.registry
        values: dict[str, Value] = {
            "sockgate_ready": float(not self._readiness.reasons),
            "sockgate_connections": len(registry.connections),
            "sockgate_connections_limit": parts.config.max_connections,
            "sockgate_unauthenticated": registry.unauthenticated,
            "sockgate_unauthenticated_limit": parts.config.max_unauthenticated,
            "sockgate_users": len(registry.by_uid),
            "sockgate_channels": len(hub.channels()),
            "sockgate_displaced_total": lifecycle.displaced_count,
            "sockgate_displaced_requests_total": self._listeners.displaced_requests,
            "sockgate_accept_pauses_total": self._listeners.accept_pauses,
            "sockgate_balanced_total": self._balance.sent,
            "sockgate_publications_total": hub.publications,
            "sockgate_deliveries_total": hub.deliveries,
            "sockgate_dropped_total": hub.dropped,
            "sockgate_classic_publications_total": self._pubsub.classic_publications,
            "sockgate_refused_names_total": parts.names.refused,
            "sockgate_held_leaves_total": parts.notices.held,
            "sockgate_log_lines_dropped_total": dropped_lines(),
            "sockgate_redis_takes_writes": float(redis.takes_writes),
            "sockgate_redis_evicted_keys_total": redis.evicted,
            "sockgate_redis_own_connections_busy_total": redis.own_connections_busy,
            "sockgate_read_publications": hub.read_sizes(),
            "sockgate_recovered_publications": hub.audience.recovered.read(),
            "sockgate_outbox_bytes": WAITING.read(),
            "sockgate_redis_round_trip_seconds": redis.round_trips.read(),
            "sockgate_probe_seconds": self._pubsub.probe_times.read(),
            "sockgate_loop_lag_seconds": parts.wheel.lags.read(),
            "sockgate_audit_seconds": parts.monitor.audits.read(),
        }
        for name, seconds in (("latency", redis.latency_s), ("clock_offset", redis.offset_s)):
            if seconds is not None:
                values[f"sockgate_redis_{name}_seconds"] = seconds
        return values

    def _labelled(self) -> dict[str, Mapping[str, Value]]:
        parts = self._parts
        hub, lifecycle = parts.hub, parts.lifecycle
        origins = {"origin": self._listeners.refused_origins}
        return {
            "sockgate_opened_total": lifecycle.opened_count,
            "sockgate_closed_total": lifecycle.closed_count,
            "sockgate_refused_connects_total": lifecycle.refused_count + Counter(origins),
            "sockgate_unknown_sessions_total": self._unknown_sockjs_sessions,
            "sockgate_publication_latency_seconds": hub.latencies.read(),
            "sockgate_connect_seconds": {
                phase: seconds.read() for phase, seconds in lifecycle.connect_times.items()
            },
            "sockgate_markup_refused_total": hub.markup.refused,
            "sockgate_gaps_total": hub.gaps,
            "sockgate_failures_total": FAILED,
        }


def _by_label(values: Mapping[str, Value]) -> list[tuple[Labels, Value]]:
    return [((label,), value) for label, value in values.items()]
