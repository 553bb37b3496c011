"""Workers as forked processes: the operating system's side of the supervisor.

The parent blocks the signals that it waits for. So none interrupts it, and none is lost around a
fork.
"""

import logging
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from . import log_writer
from .processes import SIGNALS, ReceivedSignal
from .watch.reports import HOST_OPS, Channel, open_channel
from .worker_process import Parent

log = logging.getLogger("sockgate")

_LINES_S = 0.05
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class ForkedWorkers:
    """Workers as forked processes of this one.

    Args:
        run_worker: serves as the worker of this number, and returns its exit status.
    """

    def __init__(self, run_worker: Callable[[int, Parent], int]) -> None:
        self._run_worker = run_worker
        self._channels: dict[int, Channel] = {}
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        for signum in SIGNALS:  # the kernel may drop an ignored signal, although it is blocked
            signal.signal(signum, signal.SIG_DFL)

    def start(self, number: int) -> int:
        """Fork a worker.

        Raises:
            OSError: the system cannot start another process.
        """
        near, far = open_channel()
        try:
            parent = Parent(os.getpid(), far)
            pid = os.fork()
        except OSError:
            near.close()
            far.close()
            raise
        if not pid:
            self._become_worker(number, parent, [near, *self._channels.values()])
        far.close()
        if number in self._channels:
            self._channels[number].close()
        self._channels[number] = near
        return pid

    def send(self, pid: int, signum: signal.Signals) -> None:
        """Send a signal to a worker, after the lines that say so."""
        log_writer.flush(_LINES_S)
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

    def reports(self) -> Iterator[bytes]:
        """Return the reports of all children since the last call, without waiting for any."""
        for channel in self._channels.values():
            yield from channel.receive()

    def pass_on(self, number: int, raw: bytes) -> None:
        """Send a report to a child, or drop it where the child does not read."""
        if number in self._channels:
            self._channels[number].send_raw(raw)

    def _become_worker(self, number: int, parent: Parent, others: Iterable[Channel]) -> NoReturn:
        """Serve in the new process, which must never return to the supervisor's loop."""
        exit_code = 1
        try:
            parent.end_with_it()
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            for channel in others:
                channel.close()
            name = "sockgate-host" if number == HOST_OPS else f"sockgate-{number}"
            with suppress(OSError):
                Path("/proc/self/comm").write_text(name)  # Its name for ``ps``.
            exit_code = self._run_worker(number, parent)
        except Exception:
            if number == HOST_OPS:
                log.exception("event=host_process_failed")
            else:
                log.exception("event=worker_failed number=%d", number)
        finally:
            log_writer.flush()
            os._exit(exit_code)


def cpu_of(pid: int) -> float | None:
    """Return the processor time that a process has used, in seconds; None: unknown here."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    except (OSError, IndexError, ValueError):
        return None
