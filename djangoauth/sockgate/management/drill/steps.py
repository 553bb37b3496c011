"""What happens to the gateway during a drill: by this command, or by a person."""

import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from socket import gethostname

from django.core.management.base import CommandError
from sockgate_gateway.wire.inspection import WorkerName

from ...channels.inspection.ask import workers

Step = tuple[str, str]
"""Its kind, and what a person or a shell has to do."""
SHOWN_LENGTH = 24


def title_of(step: Step) -> str:
    """Return the name of a step for the table."""
    kind, text = step
    return text[:SHOWN_LENGTH] if text else kind


def carry_out(step: Step, ask_person: Callable[[str], object]) -> None:
    """Do what a step says, or let a person do it.

    Raises:
        CommandError: it cannot be done.
    """
    kind, text = step
    if kind == "ask":
        ask_person(f"{text}. Press Enter when it is done: ")
    elif kind == "run":
        _run(text)
    elif kind == "kill-worker":
        _send(signal.SIGKILL, _worker_here().pid)
    elif kind == "restart":
        _send(signal.SIGHUP, _supervisor_of(_worker_here()))


def _run(command: str) -> None:
    try:
        done = subprocess.run(shlex.split(command), check=False)
    except (OSError, ValueError) as error:
        raise CommandError(f"--run cannot be started: {error}.") from error
    if done.returncode:
        raise CommandError(f"--run has ended with {done.returncode}.")


def _worker_here() -> WorkerName:
    # A worker that was killed is listed until its heartbeat expires.
    on_host = [worker for worker in workers() if worker.host == gethostname() and worker.pid]
    here = [worker for worker in on_host if Path("/proc", str(worker.pid)).exists()]
    if not here:
        raise CommandError("No worker runs on this host. Use --run or --ask.")
    return min(here, key=lambda worker: worker.number)


def _supervisor_of(worker: WorkerName) -> int:
    # Workers are forked, so they have the command line of their supervisor.
    try:
        status = Path("/proc", str(worker.pid), "status").read_text()
        parent = int(status.partition("\nPPid:")[2].split()[0])
        lines = {Path("/proc", str(pid), "cmdline").read_bytes() for pid in (worker.pid, parent)}
    except (OSError, ValueError, IndexError) as error:
        raise CommandError(f"The supervisor of {worker} was not found: {error}.") from error
    if len(lines) > 1:
        raise CommandError(
            f"{worker} has no supervisor (SOCKGATE_WORKERS=1). Use --run or --ask for the restart."
        )
    return parent


def _send(number: signal.Signals, pid: int) -> None:
    try:
        os.kill(pid, number)
    except OSError as error:
        raise CommandError(
            f"{number.name} was not sent to process {pid}: {error.strerror}. "
            "Run the command as the user of the gateway, or use --run or --ask."
        ) from error
