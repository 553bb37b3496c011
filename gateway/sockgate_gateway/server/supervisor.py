"""The supervisor of several workers: it starts, replaces, restarts and stops them.

Strategy: the supervisor decides, and ``Processes`` acts. One loop waits for a signal or for the
next deadline. Nothing else waits, so the end of a worker and a SIGTERM are handled at once.

A worker that ends after ``SETTLED_S`` is replaced at once. One that ends sooner is started again
after growing delays. After the last delay the supervisor gives up. SIGHUP restarts
the workers one after another: each drains, and the next waits until all are ready again.
"""

import logging
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from .worker_process import READY

log = logging.getLogger("sockgate")

SETTLED_S = 5.0
DELAYS_S = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Before each next start of a worker that ends soon after its start."""

KILL_GRACE_S = 15.0
"""A worker that runs for so long after its drain is killed."""

STOP = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
SIGNALS = STOP | {signal.SIGHUP, signal.SIGCHLD, READY}


class ReceivedSignal(NamedTuple):
    """A signal, and the process that sent it."""

    signum: int
    sender: int


class Processes(Protocol):
    """What the supervisor needs from the operating system."""

    def start(self, number: int) -> int:
        """Start a worker, and return its process id.

        Raises:
            OSError: the system cannot start another process.
        """

    def send(self, pid: int, signum: signal.Signals) -> None:
        """Send a signal to a worker."""

    def wait(self, timeout_s: float | None) -> ReceivedSignal | None:
        """Wait for the next signal; return None after the timeout."""

    def ended(self) -> Iterable[tuple[int, int]]:
        """Return the process ids and exit codes of all workers that ended since the last call."""


@dataclass(slots=True)
class _Worker:
    number: int
    pid: int | None = None
    is_ready: bool = False
    is_restarting: bool = False
    early_ends: int = 0
    started_at: float = field(default=0.0, init=False)
    start_at: float | None = None
    kill_at: float | None = None


class Supervisor:
    """Keep workers running until a signal stops them.

    Args:
        processes: starts workers, and receives signals.
        count: how many workers.
        find_problems: lists problems of the configuration at this moment, for example a TLS
            certificate that was replaced by an unreadable one.
        clock: returns monotonic seconds.
        drain_timeout_s: how long a stopping worker may wait for its clients to leave.
    """

    def __init__(
        self,
        processes: Processes,
        *,
        count: int,
        find_problems: Callable[[], Sequence[str]],
        clock: Callable[[], float],
        drain_timeout_s: float,
    ) -> None:
        self._processes = processes
        self._find_problems = find_problems
        self._clock = clock
        self._end_timeout_s = drain_timeout_s + KILL_GRACE_S
        self._workers = [_Worker(number, start_at=clock()) for number in range(count)]
        self._to_restart: list[_Worker] = []
        self._is_stopping = False
        self._exit_status = 0

    def run(self) -> int:
        """Supervise until all workers have been stopped.

        Returns:
            The exit status: 1 when a worker ended too often.
        """
        while not self._is_stopping or any(worker.pid for worker in self._workers):
            self._start_due()
            received = self._processes.wait(self._seconds_to_deadline())
            if received is not None:
                self._receive(received)
            self._reap()
            self._kill_overdue()
            self._restart_next()
        return self._exit_status

    def _receive(self, received: ReceivedSignal) -> None:
        if received.signum in STOP:
            is_second = self._is_stopping
            self._stop()
            if is_second or received.signum == signal.SIGQUIT:
                self._send_all(signal.SIGQUIT)
        elif received.signum == signal.SIGHUP:
            self._restart_all()
        elif received.signum == READY:
            for worker in self._workers:
                worker.is_ready |= worker.pid == received.sender

    def _start_due(self) -> None:
        now = self._clock()
        for worker in self._workers:
            if worker.start_at is not None and worker.start_at <= now:
                self._start(worker, now)

    def _start(self, worker: _Worker, now: float) -> None:
        worker.start_at, worker.started_at = None, now
        try:
            worker.pid = self._processes.start(worker.number)
        except OSError:
            log.exception("event=worker_not_started number=%d", worker.number)
            self._replace(worker, exit_code=1)

    def _seconds_to_deadline(self) -> float | None:
        deadlines = [
            deadline
            for worker in self._workers
            for deadline in (worker.start_at, worker.kill_at)
            if deadline is not None
        ]
        return max(min(deadlines) - self._clock(), 0) if deadlines else None

    def _reap(self) -> None:
        exit_codes = dict(self._processes.ended())
        for worker in self._workers:
            if worker.pid in exit_codes:
                self._ended(worker, exit_codes[worker.pid])

    def _ended(self, worker: _Worker, exit_code: int) -> None:
        worker.pid = worker.kill_at = None
        worker.is_ready = False
        if self._is_stopping:
            return
        if worker.is_restarting:
            worker.is_restarting = False
            worker.start_at = self._clock()
        else:
            self._replace(worker, exit_code)

    def _replace(self, worker: _Worker, exit_code: int) -> None:
        now = self._clock()
        lived_s = now - worker.started_at
        worker.early_ends = 0 if lived_s >= SETTLED_S else worker.early_ends + 1
        log.error(
            "event=worker_ended number=%d exit_code=%d lived_s=%.1f",
            worker.number,
            exit_code,
            lived_s,
        )
        if worker.early_ends > len(DELAYS_S):
            self._give_up(worker, exit_code)
            return
        if worker.early_ends and self._to_restart:
            log.error("event=restart_abandoned workers=%d", len(self._to_restart))
            self._to_restart.clear()
        worker.start_at = now + (DELAYS_S[worker.early_ends - 1] if worker.early_ends else 0)

    def _give_up(self, worker: _Worker, exit_code: int) -> None:
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
        self._to_restart.clear()
        for worker in self._workers:
            worker.start_at = None
            self._end(worker)

    def _end(self, worker: _Worker) -> None:
        if worker.pid is not None:
            self._processes.send(worker.pid, signal.SIGTERM)
            worker.kill_at = self._clock() + self._end_timeout_s

    def _send_all(self, signum: signal.Signals) -> None:
        for worker in self._workers:
            if worker.pid is not None:
                self._processes.send(worker.pid, signum)

    def _kill_overdue(self) -> None:
        now = self._clock()
        for worker in self._workers:
            if worker.pid is not None and worker.kill_at is not None and worker.kill_at <= now:
                log.error("event=worker_killed number=%d cause='did not end'", worker.number)
                self._processes.send(worker.pid, signal.SIGKILL)
                worker.kill_at = None
