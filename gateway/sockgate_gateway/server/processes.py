"""What the supervisor needs from the operating system, and what it notes of each child."""

import signal
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from .watch.reports import WorkerStatus
from .worker_process import READY

STOP = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
SIGNALS = STOP | {signal.SIGHUP, signal.SIGCHLD, READY}

STARTING_S = 10.0
"""A worker that is not ready this long after its start counts as running, and so as not ready."""


class ReceivedSignal(NamedTuple):
    """A signal, and the process that sent it."""

    signum: int
    sender: int


class Processes(Protocol):
    """What the supervisor needs from the operating system."""

    def start(self, number: int) -> int:
        """Start a child, and return its process id.

        Raises:
            OSError: the system cannot start another process.
        """

    def send(self, pid: int, signum: signal.Signals) -> None:
        """Send a signal to a child."""

    def wait(self, timeout_s: float | None) -> ReceivedSignal | None:
        """Wait for the next signal; return None after the timeout."""

    def ended(self) -> Iterable[tuple[int, int]]:
        """Return the process ids and exit codes of all children that ended since the last call."""

    def reports(self) -> Iterable[bytes]:
        """Return the reports of all children since the last call, without waiting for any."""

    def pass_on(self, number: int, raw: bytes) -> None:
        """Send a report to a child, or drop it where the child does not read."""


@dataclass(slots=True)
class Child:
    """A child of the supervisor: a worker, or the process that answers for the host."""

    number: int
    is_worker: bool = True
    pid: int | None = None
    is_ready: bool = False
    was_ready: bool = False
    is_restarting: bool = False
    is_hung: bool = False
    has_reported: bool = False
    early_ends: int = 0
    restarts: Counter[str] = field(default_factory=Counter)
    started_at: float = 0.0
    reported_at: float = 0.0
    start_at: float | None = None
    kill_at: float | None = None

    def begin(self, now: float) -> None:
        """Note that it is started now."""
        self.start_at, self.started_at, self.reported_at = None, now, now

    def end(self) -> None:
        """Note that its process has ended."""
        self.pid = self.kill_at = None
        self.is_ready = self.was_ready = self.is_hung = self.has_reported = False

    def status(self, now: float, silent_s: float) -> WorkerStatus:
        """Describe it to the process that answers for the host."""
        state, restarts = self._state(now), dict(self.restarts)
        return WorkerStatus(self.number, self.pid, state, silent_s, restarts)

    def _state(self, now: float) -> str:
        if self.pid is None:
            return "ended"
        if self.is_hung:
            return "hung"
        if self.kill_at is not None:
            return "restarting" if self.is_restarting else "stopping"
        is_new = not self.was_ready and now - self.started_at < STARTING_S
        return "starting" if is_new else "running"
