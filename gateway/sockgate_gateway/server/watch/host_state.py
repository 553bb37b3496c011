"""The state of all workers of a host, from their reports: readiness, and merged metrics. Pure.

Counters are added up over the workers, with those of workers that have ended. Gauges keep one
sample for each worker, with the label ``worker``.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from .reports import Family, HostStatus, Report, WorkerReport, WorkerStatus

SILENT_S = 5.0
"""How long a worker may be silent before it counts as not serving."""

SUPERVISOR_SILENT_S = 10.0
"""How long without the supervisor until nothing is known."""

Sample = tuple[str, str, tuple[tuple[str, str], ...]]
"""A family, and name and labels of one of its samples."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a client that connects now is served, and what is wrong.

    ``reasons``: why it would not be served. ``notes``: what is wrong although it would.
    """

    is_ready: bool
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class HostState:
    """Collect the reports of one host.

    Args:
        clock: returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._reported_at = clock()
        self._status = HostStatus([])
        self._reports: dict[int, WorkerReport] = {}
        self._past: Counter[Sample] = Counter()

    def receive(self, report: Report) -> None:
        """Take in a report of a worker, or of the supervisor."""
        self._reported_at = self._clock()
        if isinstance(report, HostStatus):
            self._status = report
            return
        before = self._reports.get(report.number)
        if before is not None and before.pid != report.pid:
            self._past.update(_counts(before))
        self._reports[report.number] = report

    @property
    def is_watched(self) -> bool:
        """Whether the supervisor has reported lately."""
        return self._age_s() < SUPERVISOR_SILENT_S

    def readiness(self) -> Readiness:
        """Judge whether a client that connects now is served.

        The kernel gives new clients to every worker that listens. So each of these must be ready,
        and there must be one. A worker that restarts or has ended does not listen.
        """
        if not self.is_watched:
            reason = f"supervisor: silent for {self._age_s():.1f} s, so nobody watches the workers"
            return Readiness(False, [reason])
        reasons, notes, ready = [], [], 0
        for worker in self._status.workers:
            report = self._reports.get(worker.number)
            name = f"worker {worker.number}: "
            if worker.state not in ("running", "hung") or report is None:
                notes.append(name + worker.state)
                continue
            problems = self._problems(worker, report)
            ready += not problems
            reasons += [name + problem for problem in problems]
            notes += [name + note for note in report.notes]
        if not reasons and not ready:
            notes = notes or ["supervisor: no report yet"]
            reasons, notes = [*notes, "no worker serves"], []
        return Readiness(not reasons, reasons, notes)

    def _problems(self, worker: WorkerStatus, report: WorkerReport) -> list[str]:
        silent_s = worker.silent_s + self._age_s()
        if worker.state == "hung" or silent_s > SILENT_S:
            return [f"no sign of its event loop for {silent_s:.1f} s"]
        return [] if report.is_ready else report.reasons or ["not ready"]

    def metrics(self) -> Iterable[Metric]:
        """Return the metrics of the host."""
        yield from self._own()
        live = {worker.number for worker in self._status.workers if worker.pid is not None}
        families = [
            (str(number), family)
            for number, report in sorted(self._reports.items())
            for family in report.metrics
        ]
        yield from _gauges((n, family) for n, family in families if int(n) in live)
        totals = self._past.copy()
        for report in self._reports.values():
            totals.update(_counts(report))
        yield from _counters([family for _, family in families], totals)

    def _own(self) -> Iterable[Metric]:
        ready = "1 when a client that connects to this host now is served, 0 otherwise."
        yield GaugeMetricFamily("sockgate_host_ready", ready, self.readiness().is_ready)
        text = "Seconds since the supervisor has reported."
        yield GaugeMetricFamily("sockgate_supervisor_heartbeat_age_seconds", text, self._age_s())
        age = GaugeMetricFamily(
            "sockgate_worker_heartbeat_age_seconds",
            "Seconds since the event loop of a worker has reported.",
            labels=["worker"],
        )
        restarts = CounterMetricFamily(
            "sockgate_worker_restarts", "Workers replaced.", labels=["worker", "cause"]
        )
        for worker in self._status.workers:
            number = str(worker.number)
            if worker.pid is not None:
                age.add_metric([number], worker.silent_s + self._age_s())
            for cause, count in worker.restarts.items():
                restarts.add_metric([number, cause], count)
        yield from (age, restarts)

    def _age_s(self) -> float:
        return self._clock() - self._reported_at


def _counts(report: WorkerReport) -> Counter[Sample]:
    counts: Counter[Sample] = Counter()
    for family in report.metrics:
        if family.kind == "counter":
            for name, labels, value in family.samples:
                counts[family.name, name, tuple(sorted(labels.items()))] += value  # type: ignore[assignment]
    return counts


def _gauges(families: Iterable[tuple[str, Family]]) -> Iterable[Metric]:
    merged: dict[str, Metric] = {}
    for number, family in families:
        if family.kind == "gauge":
            metric = merged.setdefault(family.name, Metric(family.name, family.text, "gauge"))
            for name, labels, value in family.samples:
                metric.add_sample(name, {"worker": number, **labels}, value)
    return merged.values()


def _counters(families: Iterable[Family], totals: Counter[Sample]) -> Iterable[Metric]:
    merged = {
        family.name: Metric(family.name, family.text, "counter")
        for family in families
        if family.kind == "counter"
    }
    for (family_name, name, labels), value in totals.items():
        if family_name in merged:
            merged[family_name].add_sample(name, dict(labels), value)
    return merged.values()
