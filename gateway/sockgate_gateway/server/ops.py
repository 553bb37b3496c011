"""Health, readiness and metrics, on a port of their own that is not for browsers.

``/health``: the process answers. ``/ready``: a client that connects now is served. The worker
receives its own probe through Redis, has read sessions there lately, and is not draining.
``/metrics``: Prometheus text.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from tornado.web import Application, RequestHandler

from ..channels.hub import Hub
from ..channels.notice_budget import NoticeBudget
from ..connections.name_budget import NameBudget
from ..connections.registry import Registry
from ..http.pending import Evictions
from ..sessions.lifecycle import Lifecycle
from .log_writer import dropped_lines

log = logging.getLogger("sockgate.access")


class Readiness(Protocol):
    """Whether a worker serves its clients."""

    @property
    def reasons(self) -> list[str]:
        """Why it would not be served."""

    @property
    def notes(self) -> list[str]:
        """What is wrong although it would be served."""


class RedisHealth(Protocol):
    """How Redis answers. ``evicted``: keys since the start; ``offset_s``: of its clock."""

    evicted: int
    offset_s: float | None

    @property
    def latency_s(self) -> float | None:
        """The fastest of the last answers."""

    @property
    def own_connections_busy(self) -> int:
        """How many commands have found no free connection of this worker."""

    @property
    def takes_writes(self) -> bool:
        """Whether it took the last write."""


class Balance(Protocol):
    """What sends clients away. ``sent``: how many."""

    sent: int


class WorkerCollector(Collector):
    """Read the worker's counters at each scrape, so that the hot paths do nothing for metrics.

    Args:
        lifecycle: counts opened and closed connections.
        registry: has all connections.
        hub: counts publications.
        names: counts refused names of channels.
        notices: counts leaves that were held.
        unknown_sockjs_sessions: requests for SockJS sessions that are not open, by cause.
        evictions: counts connections without a complete request that were closed.
        worker: is ready, or is not.
        redis: how Redis answers.
        balance: sends clients away.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        registry: Registry,
        hub: Hub,
        names: NameBudget,
        notices: NoticeBudget,
        unknown_sockjs_sessions: Mapping[str, int],
        evictions: Evictions,
        worker: Readiness,
        redis: RedisHealth,
        balance: Balance,
    ) -> None:
        self._balance = balance
        self._redis = redis
        self._lifecycle = lifecycle
        self._registry = registry
        self._hub = hub
        self._names = names
        self._notices = notices
        self._unknown_sockjs_sessions = unknown_sockjs_sessions
        self._evictions = evictions
        self._worker = worker

    def collect(self) -> Iterable[Metric]:
        """Return all metrics."""
        yield from self._gauges()
        yield from self._counters()

    def _gauges(self) -> Iterable[Metric]:
        registry, hub = self._registry, self._hub
        values = {
            "sockgate_ready": (
                "1 when a client that connects now is served, 0 otherwise.",
                int(not self._worker.reasons),
            ),
            "sockgate_connections": (
                "Open connections, with and without a verified token.",
                len(registry.connections),
            ),
            "sockgate_unauthenticated": (
                "Connections without a verified token.",
                registry.unauthenticated,
            ),
            "sockgate_redis_takes_writes": (
                "Whether Redis took the last write.",
                int(self._redis.takes_writes),
            ),
            "sockgate_users": ("Users with at least one connection.", len(registry.by_uid)),
            "sockgate_channels": (
                "Channels with at least one subscription, or a pending one.",
                len(hub.channels()),
            ),
        }
        for name, (text, value) in values.items():
            yield GaugeMetricFamily(name, text, value=value)
        for name, text, seconds in (
            ("latency", "Fastest of the last answers of Redis.", self._redis.latency_s),
            (
                "clock_offset",
                "How far Redis's clock is ahead of this host's.",
                self._redis.offset_s,
            ),
        ):
            if seconds is not None:
                yield GaugeMetricFamily(f"sockgate_redis_{name}_seconds", text, value=seconds)

    def _counters(self) -> Iterable[Metric]:
        hub = self._hub
        totals = {
            "sockgate_publications": ("Publications received from Redis.", hub.publications),
            "sockgate_deliveries": ("Publication frames sent, one per connection.", hub.deliveries),
            "sockgate_dropped": ("Publications dropped as too large or not valid.", hub.dropped),
            "sockgate_balanced": (
                "Clients sent away, because other workers had more room.",
                self._balance.sent,
            ),
            "sockgate_redis_own_connections_busy": (
                "Commands that found no free connection of this worker to Redis.",
                self._redis.own_connections_busy,
            ),
            "sockgate_redis_evicted_keys": ("Keys evicted by Redis.", self._redis.evicted),
            "sockgate_refused_connects": (
                "Connects refused with a time to come back, because too many were waiting.",
                self._lifecycle.admission.refused_count,
            ),
            "sockgate_refused_names": (
                "Subscriptions refused because their user named too many new channels.",
                self._names.refused,
            ),
            "sockgate_held_leaves": (
                "Times that a leave was held, because its user leaves large channels too often.",
                self._notices.held,
            ),
            "sockgate_log_lines_dropped": (
                "Log lines that were dropped: nobody reads them, or the disk is full.",
                dropped_lines(),
            ),
            "sockgate_displaced_requests": (
                "Connections without a complete request, closed to make room for a newer one.",
                self._evictions.count,
            ),
            "sockgate_displaced": (
                "Connections without a token that were closed to make room for a newer one.",
                self._lifecycle.displaced_count,
            ),
        }
        for name, (text, value) in totals.items():
            yield CounterMetricFamily(name, text, value=value)
        gaps = CounterMetricFamily("sockgate_gaps", "Frames gap sent.", labels=["cause"])
        for cause, count in hub.gaps.items():
            gaps.add_metric([cause], count)
        yield gaps
        refused = CounterMetricFamily(
            "sockgate_markup_refused",
            "Publications with markup that were dropped: their signature is missing or void.",
            labels=["cause"],
        )
        for cause, count in hub.markup.refused.items():
            refused.add_metric([cause], count)
        yield refused
        opened = CounterMetricFamily("sockgate_opened", "Connections opened.", labels=["transport"])
        for transport, count in self._lifecycle.opened_count.items():
            opened.add_metric([transport], count)
        yield opened
        closed = CounterMetricFamily("sockgate_closed", "Connections closed.", labels=["code"])
        for code, count in self._lifecycle.closed_count.items():
            closed.add_metric([code], count)
        yield closed
        unknown = CounterMetricFamily(
            "sockgate_unknown_sessions",
            "Requests for SockJS sessions that are not open, answered with 404.",
            labels=["cause"],
        )
        for cause, count in self._unknown_sockjs_sessions.items():
            unknown.add_metric([cause], count)
        yield unknown


class Answer(RequestHandler):
    """Answers in plain text, not cached."""

    def set_default_headers(self) -> None:
        """Set the headers of every answer."""
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")

    def head(self) -> None:
        """Answer as to a GET; Tornado omits the body."""
        self.get()

    def finish_json(self, is_ready: bool, reasons: list[str], notes: list[str]) -> None:
        """Answer whether clients are served, with all reasons, as JSON."""
        self.set_header("Content-Type", "application/json")
        answer = {"ready": is_ready, "reasons": reasons, "degraded": notes}
        self.finish(json.dumps(answer) + "\n")


class _Health(Answer):
    def get(self) -> None:
        self.finish("ok\n")


class _Ready(Answer):
    def initialize(self, worker: Readiness) -> None:
        self._worker = worker

    def get(self) -> None:
        reasons, notes = self._worker.reasons, self._worker.notes
        if reasons:
            self.set_status(503)
        if "application/json" in self.request.headers.get("Accept", ""):
            self.finish_json(not reasons, reasons, notes)
        else:
            self.finish("\n".join(["not ready" if reasons else "ready", *reasons, *notes, ""]))


class _Metrics(Answer):
    def initialize(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def get(self) -> None:
        self.finish(generate_latest(self._registry))


def ops_application(collector: WorkerCollector, worker: Readiness) -> Application:
    """Build the application of the ops port."""
    registry = CollectorRegistry()
    registry.register(collector)
    return Application(
        [
            (r"/health", _Health),
            (r"/ready", _Ready, {"worker": worker}),
            (r"/metrics", _Metrics, {"registry": registry}),
        ],
        log_function=log_request,
    )


def log_request(handler: RequestHandler) -> None:
    """Log a request at debug level."""
    # Tornado itself would log an error for each 503 of ``/ready``.
    log.debug("event=request path=%s status=%d", handler.request.path, handler.get_status())
