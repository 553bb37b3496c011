"""Workers as forked processes: the operating system's side of the supervisor.

The parent blocks the signals that it waits for. So none interrupts it, and none is lost around a
fork.
"""

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NoReturn

from .supervisor import SIGNALS, ReceivedSignal
from .worker_process import Parent

log = logging.getLogger("sockgate")


class ForkedWorkers:
    """Workers as forked processes of this one.

    Args:
        run_worker: serves as the worker of this number, and returns its exit status.
    """

    def __init__(self, run_worker: Callable[[int, Parent], int]) -> None:
        self._run_worker = run_worker
        self._parent = Parent(os.getpid())
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        for signum in SIGNALS:  # the kernel may drop an ignored signal, although it is blocked
            signal.signal(signum, signal.SIG_DFL)

    def start(self, number: int) -> int:
        """Fork a worker.

        Raises:
            OSError: the system cannot start another process.
        """
        return os.fork() or self._become_worker(number)

    def send(self, pid: int, signum: signal.Signals) -> None:
        """Send a signal to a worker."""
        with suppress(ProcessLookupError):
            os.kill(pid, signum)

    def wait(self, timeout_s: float | None) -> ReceivedSignal | None:
        """Wait for the next signal; return None after the timeout."""
        if timeout_s is None:
            info: signal.struct_siginfo | None = signal.sigwaitinfo(SIGNALS)
        else:
            info = signal.sigtimedwait(SIGNALS, timeout_s)
        return None if info is None else ReceivedSignal(info.si_signo, info.si_pid)

    def ended(self) -> Iterator[tuple[int, int]]:
        """Reap ended children: their process ids and exit codes."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                pid, status = ended
                yield pid, os.waitstatus_to_exitcode(status)

    def _become_worker(self, number: int) -> NoReturn:
        """Serve in the new process, which must never return to the supervisor's loop."""
        exit_code = 1
        try:
            self._parent.end_with_it()
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            exit_code = self._run_worker(number, self._parent)
        except Exception:
            log.exception("event=worker_failed number=%d", number)
        finally:
            os._exit(exit_code)
