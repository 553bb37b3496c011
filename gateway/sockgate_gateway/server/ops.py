"""Health, readiness and metrics, on a port of their own that is not for browsers.

``/health``: the process answers. ``/ready``: a client that connects now is served. The worker
receives its own probe through Redis, has read sessions there lately, and is not draining.
``/metrics``: Prometheus text.
"""

import json
import logging

from prometheus_client import CollectorRegistry, generate_latest
from tornado.web import Application, RequestHandler

from .metrics.worker_metrics import Readiness, WorkerMetrics

log = logging.getLogger("sockgate.access")


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

    def finish_metrics(self, registry: CollectorRegistry) -> None:
        """Answer with all metrics, in Prometheus's text."""
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish(generate_latest(registry))


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
        self.finish_metrics(self._registry)


def ops_application(metrics: WorkerMetrics, worker: Readiness) -> Application:
    """Build the application of the ops port."""
    registry = CollectorRegistry()
    registry.register(metrics)
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
