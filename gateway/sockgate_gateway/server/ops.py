"""Health, readiness and metrics, on a port of their own that is not for browsers.

``/health``: the process answers. ``/ready``: a client that connects now is served. The worker
receives its own probe through Redis, has read sessions there lately, and is not draining.
``/metrics``: Prometheus text.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from tornado.web import Application, RequestHandler

from ..channels.hub import Hub
from ..connections.registry import Registry
from ..sessions.lifecycle import Lifecycle

log = logging.getLogger("sockgate.access")


class Readiness(Protocol):
    """Whether a worker serves its clients."""

    @property
    def is_ready(self) -> bool:
        """Whether a client that connects now is served."""


class WorkerCollector(Collector):
    """Read the worker's counters at each scrape, so that the hot paths do nothing for metrics.

    Args:
        lifecycle: counts opened and closed connections.
        registry: has all connections.
        hub: counts publications.
        unknown_sockjs_sessions: requests for SockJS sessions that are not open, by cause.
        worker: is ready, or is not.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        registry: Registry,
        hub: Hub,
        unknown_sockjs_sessions: Mapping[str, int],
        worker: Readiness,
    ) -> None:
        self._lifecycle = lifecycle
        self._registry = registry
        self._hub = hub
        self._unknown_sockjs_sessions = unknown_sockjs_sessions
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
                int(self._worker.is_ready),
            ),
            "sockgate_connections": (
                "Open connections, with and without a verified token.",
                len(registry.connections),
            ),
            "sockgate_unauthenticated": (
                "Connections without a verified token.",
                registry.unauthenticated,
            ),
            "sockgate_users": ("Users with at least one connection.", len(registry.by_uid)),
            "sockgate_channels": (
                "Channels with at least one subscription, or a pending one.",
                len(hub.channels()),
            ),
        }
        for name, (text, value) in values.items():
            yield GaugeMetricFamily(name, text, value=value)

    def _counters(self) -> Iterable[Metric]:
        hub = self._hub
        totals = {
            "sockgate_publications": ("Publications received from Redis.", hub.publications),
            "sockgate_deliveries": ("Publication frames sent, one per connection.", hub.deliveries),
            "sockgate_dropped": ("Publications dropped as too large or not valid.", hub.dropped),
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


class _Answer(RequestHandler):
    """Answers in plain text, not cached."""

    def set_default_headers(self) -> None:
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")

    def head(self) -> None:
        """Answer as to a GET; Tornado omits the body."""
        self.get()


class _Health(_Answer):
    def get(self) -> None:
        self.finish("ok\n")


class _Ready(_Answer):
    def initialize(self, worker: Readiness) -> None:
        self._worker = worker

    def get(self) -> None:
        is_ready = self._worker.is_ready
        if not is_ready:
            self.set_status(503)
        self.finish("ready\n" if is_ready else "not ready\n")


class _Metrics(_Answer):
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
        log_function=_log_request,
    )


def _log_request(handler: RequestHandler) -> None:
    # Tornado itself would log an error for each 503 of ``/ready``.
    log.debug("event=request path=%s status=%d", handler.request.path, handler.get_status())
