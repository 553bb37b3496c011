"""The supervisor of several workers: it starts, replaces, restarts and stops them.

Strategy: the supervisor decides, and ``Processes`` acts. One loop waits for a signal or for the
next deadline. Nothing else waits, so the end of a worker and a SIGTERM are handled at once.

A worker that ends after ``SETTLED_S`` is replaced at once. One that ends sooner is started again
after growing delays. After the last delay the supervisor gives up. SIGHUP restarts
the workers one after another: each drains, and the next waits until all are ready again.

Once a second the supervisor reads the reports of its workers (``watch/``). It kills and replaces a
worker that hangs, passes all reports on to the process that answers for the host, and notifies
systemd. It never waits for a worker: reports are datagrams, and what does not fit is dropped.
"""

import logging
import signal
from collections.abc import Callable, Sequence
from math import isinf

import msgspec

from . import child_events
from .processes import STOP, Child, Processes, ReceivedSignal
from .watch.reports import HOST_OPS, REPORT_S, HostStatus, WorkerReport, read_report
from .watch.service_notifier import ServiceNotifier
from .watch.silence import SilenceWatch
from .worker_process import READY, SHOW_STACKS

log = logging.getLogger("sockgate")

SETTLED_S = 5.0
DELAYS_S = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Before each next start of a worker that ends soon after its start."""

KILL_GRACE_S = 15.0
"""How long a worker may run after its drain before it is killed."""

STACKS_S = 1.0
"""How long a hung worker has to write its stacks to the log before it is killed."""

HOST_OPS_RETRY_S = 60.0
"""Without the process that answers for the host the workers serve; it is started again."""


class Supervisor:
    """Keep workers running until a signal stops them.

    Args:
        processes: starts workers, and receives signals.
        count: how many workers.
        find_problems: lists problems of the configuration at this moment, for example a TLS
            certificate that was replaced by an unreadable one.
        clock: returns monotonic seconds.
        drain_timeout_s: how long a stopping worker may wait for its clients to leave.
        watch: judges which worker hangs.
        notifier: notifies systemd.
        has_host_ops: whether a child answers for the host.
        round_s: between two looks at all workers.
    """

    def __init__(
        self,
        processes: Processes,
        *,
        count: int,
        find_problems: Callable[[], Sequence[str]],
        clock: Callable[[], float],
        drain_timeout_s: float,
        watch: SilenceWatch,
        notifier: ServiceNotifier,
        has_host_ops: bool = False,
        round_s: float = REPORT_S,
    ) -> None:
        self._processes = processes
        self._find_problems = find_problems
        self._clock = clock
        self._end_timeout_s = drain_timeout_s + KILL_GRACE_S
        self._watch = watch
        self._notifier = notifier
        self._round_s = round_s
        self._looked_at = now = clock()
        self._workers = [Child(number, start_at=now) for number in range(count)]
        host_ops = Child(HOST_OPS, is_worker=False, start_at=now)
        self._children = [*self._workers, host_ops] if has_host_ops else self._workers
        self._to_restart: list[Child] = []
        self._is_stopping = False
        self._exit_status = 0

    def run(self) -> int:
        """Supervise until all workers have been stopped.

        Returns:
            The exit status: 1 when a worker ended too often.
        """
        while not self._is_stopping or any(child.pid for child in self._children):
            self._start_due()
            received = self._processes.wait(self._seconds_to_deadline())
            if received is not None:
                self._receive(received)
            self._reap()
            self._look_around()
            self._kill_overdue()
            self._restart_next()
        return self._exit_status

    def _receive(self, received: ReceivedSignal) -> None:
        if received.signum in STOP:
            is_second = self._is_stopping
            self._stop()
            if is_second or received.signum == signal.SIGQUIT:
                for worker in self._workers:
                    if worker.pid is not None:
                        self._processes.send(worker.pid, signal.SIGQUIT)
        elif received.signum == signal.SIGHUP:
            self._restart_all()
        elif received.signum == READY:
            for worker in self._workers:
                if worker.pid == received.sender:
                    worker.is_ready = worker.was_ready = True

    def _start_due(self) -> None:
        now = self._clock()
        for worker in self._children:
            if worker.start_at is not None and worker.start_at <= now:
                self._start(worker, now)

    def _start(self, worker: Child, now: float) -> None:
        worker.begin(now)
        try:
            worker.pid = self._processes.start(worker.number)
        except OSError:
            child_events.not_started(worker)
            self._replace(worker, exit_code=1, lived_s=0)
        else:
            self._watch.note_report(worker.number, worker.pid)

    def _seconds_to_deadline(self) -> float | None:
        deadlines = [
            deadline
            for worker in self._children
            for deadline in (worker.start_at, worker.kill_at)
            if deadline is not None
        ]
        deadlines.append(self._looked_at + self._round_s)
        wait_s = max(min(deadlines) - self._clock(), 0)
        return None if isinf(wait_s) else wait_s

    def _look_around(self) -> None:
        """Read the reports, kill who hangs, and notify the child for the host, and systemd."""
        now = self._clock()
        elapsed_s = now - self._looked_at
        if elapsed_s < self._round_s:
            return
        self._looked_at = now
        self._watch.pass_time(elapsed_s)
        for raw in self._processes.reports():
            self._note_report(raw, now)
        for child in self._children:
            verdict = self._watch.verdict(child.number)
            if verdict and child.pid and child.kill_at is None and not child.is_hung:
                self._kill_hung(child, child.pid, verdict)
        self._pass_status_on(now)

    def _note_report(self, raw: bytes, now: float) -> None:
        report = read_report(raw)
        for child in self._children:
            if isinstance(report, WorkerReport) and child.pid == report.pid:
                self._watch.note_report(child.number, report.pid)
                child.has_reported, child.reported_at = True, now
                if child.is_worker:
                    child.is_ready = report.is_ready and child.kill_at is None
                    child.was_ready |= report.is_ready
                    self._processes.pass_on(HOST_OPS, raw)

    def _kill_hung(self, child: Child, pid: int, verdict: str) -> None:
        child_events.hung(child, pid, verdict)
        child.is_hung = True
        self._processes.send(pid, SHOW_STACKS)
        child.kill_at = self._clock() + STACKS_S

    def _pass_status_on(self, now: float) -> None:
        silent_s = self._watch.silent_s
        status = HostStatus([w.status(now, silent_s(w.number)) for w in self._workers])
        self._processes.pass_on(HOST_OPS, msgspec.json.encode(status))
        self._notifier.alive()
        if all(worker.has_reported for worker in self._workers):
            self._notifier.ready()
        ready = sum(worker.is_ready for worker in self._workers)
        self._notifier.status(f"{ready} of {len(self._workers)} workers are ready")

    def _reap(self) -> None:
        exit_codes = dict(self._processes.ended())
        for child in self._children:
            if child.pid in exit_codes:
                self._ended(child, exit_codes[child.pid])
        if self._is_stopping and not any(worker.pid for worker in self._workers):
            for child in self._children:
                if child.kill_at is None:
                    self._end(child)

    def _ended(self, worker: Child, exit_code: int) -> None:
        is_hung = worker.is_hung
        worker.end()
        self._watch.forget(worker.number)
        if self._is_stopping:
            return
        if worker.is_restarting and not is_hung:
            worker.is_restarting = False
            worker.start_at = self._clock()
            worker.restarts["restarted"] += 1
        else:
            worker.is_restarting = False
            worker.restarts["hung" if is_hung else "ended"] += 1
            until = worker.reported_at if is_hung else self._clock()
            self._replace(worker, exit_code, until - worker.started_at)

    def _replace(self, worker: Child, exit_code: int, lived_s: float) -> None:
        now = self._clock()
        worker.early_ends = 0 if lived_s >= SETTLED_S else worker.early_ends + 1
        child_events.ended(worker, exit_code, lived_s)
        if worker.early_ends > len(DELAYS_S):
            if worker.is_worker:
                self._give_up(worker, exit_code)
            else:
                worker.start_at = now + HOST_OPS_RETRY_S
            return
        if worker.early_ends and worker.is_worker and self._to_restart:
            log.error("event=restart_abandoned workers=%d", len(self._to_restart))
            self._to_restart.clear()
        worker.start_at = now + (DELAYS_S[worker.early_ends - 1] if worker.early_ends else 0)

    def _give_up(self, worker: Child, exit_code: int) -> None:
        log.critical(
            "event=gave_up number=%d cause='the worker ended %d times in a row within %g s of its "
            "start, last with exit code %d' hint='the log above says why it ended'",
            worker.number,
            worker.early_ends,
            SETTLED_S,
            exit_code,
        )
        self._exit_status = 1
        self._stop()

    def _restart_all(self) -> None:
        if self._is_stopping:
            return
        problems = self._find_problems()
        if problems:
            log.error("event=restart_refused cause=%r", "; ".join(problems))
            return
        log.info("event=restarting workers=%d", len(self._workers))
        self._to_restart = list(self._workers)

    def _restart_next(self) -> None:
        if not self._to_restart or not all(worker.is_ready for worker in self._workers):
            return
        worker = self._to_restart.pop(0)
        log.info("event=worker_restarting number=%d", worker.number)
        worker.is_restarting, worker.is_ready = True, False
        self._end(worker)

    def _stop(self) -> None:
        if self._is_stopping:
            return
        self._is_stopping = True
        self._notifier.stopping()
        self._to_restart.clear()
        for child in self._children:
            child.start_at = None
        for worker in self._workers:
            self._end(worker)

    def _end(self, worker: Child) -> None:
        if worker.pid is not None and not worker.is_hung:
            self._processes.send(worker.pid, signal.SIGTERM)
            worker.kill_at = self._clock() + self._end_timeout_s

    def _kill_overdue(self) -> None:
        now = self._clock()
        for worker in self._children:
            if worker.pid is not None and worker.kill_at is not None and worker.kill_at <= now:
                child_events.killed(worker)
                self._processes.send(worker.pid, signal.SIGKILL)
                worker.kill_at = None
