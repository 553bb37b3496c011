"""The state of all workers of a host, from their reports: readiness, and merged metrics. Pure.

Counters and histograms are added up over the workers, with those of workers that have ended. Gauges
have one series for each worker, with the label ``worker``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from prometheus_client.metrics_core import Metric

from ..metrics.families import Labels, Readings, Series, Value, add, families
from ..metrics.table import ROWS
from .reports import HostStatus, Report, WorkerReport, WorkerStatus

SILENT_S = 5.0
"""How long a worker may be silent before it counts as not serving."""

SUPERVISOR_SILENT_S = 10.0
"""How long without the supervisor until nothing is known."""

EACH = tuple(name for name, row in ROWS.items() if row.host == "each")
MERGED = frozenset(name for name, row in ROWS.items() if row.host in ("sum", "max"))
CAUSES = ROWS["sockgate_worker_restarts_total"].labels["cause"]

Totals = dict[tuple[str, Labels], Value]
"""Counters and histograms by name and labels."""


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
        process_of: returns the metrics of a process, by name.
    """

    def __init__(
        self, clock: Callable[[], float], process_of: Callable[[int], Mapping[str, float]]
    ) -> None:
        self._clock = clock
        self._process_of = process_of
        self._reported_at = clock()
        self._status = HostStatus([])
        self._reports: dict[int, WorkerReport] = {}
        self._past: dict[int, Totals] = {}

    def receive(self, report: Report) -> None:
        """Take in a report of a worker, or of the supervisor."""
        self._reported_at = self._clock()
        if isinstance(report, HostStatus):
            self._status = report
            return
        before = self._reports.get(report.number)
        if before is not None and before.pid != report.pid:
            self._past[report.number] = added(self._past.get(report.number, {}), before)
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

    def metrics(self) -> list[Metric]:
        """Return the metrics of the host."""
        live = [worker for worker in self._status.workers if worker.pid is not None]
        readings = self._own()
        for worker in live:
            report = self._reports.get(worker.number)
            values = report.readings if report else {}
            process = self._process_of(worker.pid) if worker.pid else {}
            for name in EACH:
                series = [((), process[name])] if name in process else values.get(name, ())
                for labels, value in series:
                    readings.setdefault(name, []).append(((str(worker.number), *labels), value))
        # A counter that began without a worker, and then had it, would jump.
        if all(worker.number in self._reports for worker in live if worker.state != "starting"):
            readings.update(self._merged())
        return families(readings, host=True)

    def _own(self) -> Readings:
        ages: list[Series] = []
        restarts: list[Series] = []
        for worker in self._status.workers:
            number = str(worker.number)
            if worker.pid is not None:
                ages.append(((number,), worker.silent_s + self._age_s()))
            restarts += [((number, cause), worker.restarts.get(cause, 0)) for cause in CAUSES]
        return {
            "sockgate_host_ready": [((), float(self.readiness().is_ready))],
            "sockgate_supervisor_heartbeat_age_seconds": [((), self._age_s())],
            "sockgate_worker_heartbeat_age_seconds": ages,
            "sockgate_worker_restarts_total": restarts,
        }

    def _merged(self) -> Readings:
        """Return the counters of all workers, with those of workers that have ended."""
        merged: Totals = {}
        for number, report in self._reports.items():
            for key, value in added(self._past.get(number, {}), report).items():
                if ROWS[key[0]].host == "max":
                    merged[key] = max(merged.get(key, 0.0), value)
                else:
                    merged[key] = add(merged[key], value) if key in merged else value
        names = {name for report in self._reports.values() for name in report.readings}
        readings: Readings = {name: [] for name in names & MERGED}
        for (name, labels), value in merged.items():
            readings[name].append((labels, value))
        return readings

    def _age_s(self) -> float:
        return self._clock() - self._reported_at


def added(past: Totals, report: WorkerReport) -> Totals:
    """Return counters and histograms with those of a report added."""
    totals = dict(past)
    for name, series in report.readings.items():
        if name in MERGED:
            for labels, value in series:
                before = totals.get((name, labels))
                totals[name, labels] = value if before is None else add(before, value)
    return totals
