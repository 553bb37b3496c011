"""Health, readiness and metrics, on a port of their own that is not for browsers.

``/health``: the process answers. ``/ready``: a browser that connects now will be served: the
worker hears itself in Redis, and it is not about to stop. ``/metrics``: Prometheus text.
"""

import logging
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from tornado.web import Application, RequestHandler

from .endpoint import Endpoint

log = logging.getLogger("gateway.access")


class WorkerCollector(Collector):
    """Read the worker's own counters when somebody asks; the hot paths know nothing of metrics."""

    def __init__(self, endpoint: Endpoint, is_ready: Callable[[], bool]) -> None:
        self._endpoint = endpoint
        self._is_ready = is_ready

    def collect(self) -> Iterable[Metric]:
        """Give all metrics."""
        yield from self._gauges()
        yield from self._counters()

    def _gauges(self) -> Iterable[Metric]:
        registry, hub = self._endpoint.registry, self._endpoint.hub
        values = {
            "sockgate_ready": ("1 when browsers are served", int(self._is_ready())),
            "sockgate_connections": ("attached browsers", len(registry.connections)),
            "sockgate_unauthenticated": ("not welcomed yet", registry.unauthenticated),
            "sockgate_users": ("users with a connection", len(registry.by_uid)),
            "sockgate_channels": ("channels that are heard", len(hub.channels())),
        }
        for name, (text, value) in values.items():
            yield GaugeMetricFamily(name, text, value=value)

    def _counters(self) -> Iterable[Metric]:
        hub = self._endpoint.hub
        yield CounterMetricFamily("sockgate_publications", "received", value=hub.publications)
        yield CounterMetricFamily("sockgate_deliveries", "handed on", value=hub.deliveries)
        yield CounterMetricFamily("sockgate_dropped", "undeliverable", value=hub.dropped)
        gaps = CounterMetricFamily("sockgate_gaps", "told to browsers", labels=["cause"])
        for cause, count in hub.gaps.items():
            gaps.add_metric([cause], count)
        yield gaps
        opened = CounterMetricFamily("sockgate_opened", "connections", labels=["transport"])
        for transport, count in self._endpoint.opened_count.items():
            opened.add_metric([transport], count)
        yield opened
        closed = CounterMetricFamily("sockgate_closed", "connections", labels=["code"])
        for code, count in self._endpoint.closed_count.items():
            closed.add_metric([str(code)], count)
        yield closed


class _Answer(RequestHandler):
    """Answer in plain text, never cached."""

    def set_default_headers(self) -> None:
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")


class _Health(_Answer):
    def get(self) -> None:
        self.finish("ok\n")


class _Ready(_Answer):
    def initialize(self, is_ready: Callable[[], bool]) -> None:
        self._is_ready = is_ready

    def get(self) -> None:
        if not self._is_ready():
            self.set_status(503)
        self.finish("ready\n" if self._is_ready() else "not ready\n")


class _Metrics(_Answer):
    def initialize(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def get(self) -> None:
        self.finish(generate_latest(self._registry))


def ops_application(endpoint: Endpoint, is_ready: Callable[[], bool]) -> Application:
    """Build the application of the ops port."""
    registry = CollectorRegistry()
    registry.register(WorkerCollector(endpoint, is_ready))
    return Application(
        [
            (r"/health", _Health),
            (r"/ready", _Ready, {"is_ready": is_ready}),
            (r"/metrics", _Metrics, {"registry": registry}),
        ],
        log_function=_log_request,
    )


def _log_request(handler: RequestHandler) -> None:
    # Tornado would log an error for each time that a monitor hears "not ready".
    log.debug("event=asked path=%s status=%d", handler.request.path, handler.get_status())
