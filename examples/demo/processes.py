"""Child processes: start them, restart those that die, and stop them in reverse order.

Each child runs in its own process group, so that Ctrl-C reaches only the supervisor. On Linux the
kernel sends SIGTERM to a child when the supervisor dies.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sockets import is_answering

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 5
RESTART_DELAY_S = 1
POLL_S = 0.1
MAX_QUICK_DEATHS = 3
"""After so many deaths, each within ``QUICK_S``, the demo stops."""
QUICK_S = 5
PR_SET_PDEATHSIG = 1
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ChildFailed(Exception):
    """A program cannot be started, or cannot be kept alive."""


@dataclass(frozen=True)
class Program:
    """A command, and the port on which it accepts connections when it is ready."""

    name: str
    command: list[str]
    port: int
    environ: dict[str, str] | None = None
    pid_file: Path | None = None


class Child:
    """A running program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._quick_deaths = 0
        self._start()

    def _start(self) -> None:
        self._process = _spawn(self.program.command, self.program.environ)
        self._started_at = time.monotonic()
        if self.program.pid_file:
            self.program.pid_file.write_text(str(self._process.pid))

    @property
    def exit_status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    @property
    def is_ready(self) -> bool:
        """Whether it runs and accepts connections on its port."""
        return self.exit_status is None and is_answering(self.program.port)

    def restart(self) -> None:
        """Start it again after its death.

        Raises:
            ChildFailed: it keeps dying.
        """
        was_quick = time.monotonic() - self._started_at < QUICK_S
        self._quick_deaths = self._quick_deaths + 1 if was_quick else 0
        if self._quick_deaths >= MAX_QUICK_DEATHS:
            raise ChildFailed(f"{self.program.name} keeps dying. Stopping.")
        self._start()

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL when it does not end in time."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            print(f"{self.program.name} does not stop: killing it.", file=sys.stderr)
            self._process.kill()
            self._process.wait()


class Supervisor:
    """Keep programs running.

    A signal, or the death of the parent ``make``, raises KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._make_pid = os.getppid() if "MAKELEVEL" in os.environ else None
        for number in SIGNALS:
            signal.signal(number, signal.default_int_handler)

    def start(self, program: Program) -> None:
        """Start a program and wait until it is ready.

        Raises:
            ChildFailed: it ended, or was not ready in time.
        """
        child = Child(program)
        self._children.append(child)
        if not self._becomes_ready(child):
            raise ChildFailed(f"{program.name} did not start.")

    def watch(self) -> None:
        """Restart programs that die, with a message, until interrupted.

        Raises:
            ChildFailed: a program keeps dying.
        """
        while True:
            self._pause(POLL_S)
            for child in self._children:
                if child.exit_status is not None:
                    self._restart(child)

    def stop(self) -> None:
        """Stop every program, the last started first. Further signals are ignored."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        while self._children:
            self._children.pop().stop()

    def _restart(self, child: Child) -> None:
        name = child.program.name
        print(f"{name} died ({_cause(child.exit_status)}). Starting it again.", flush=True)
        self._pause(RESTART_DELAY_S)
        child.restart()
        if self._becomes_ready(child):
            print(f"{name} is back.", flush=True)

    def _becomes_ready(self, child: Child) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not child.is_ready:
            if child.exit_status is not None or time.monotonic() > deadline:
                return False
            self._pause(POLL_S)
        return True

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)
        if self._make_pid not in (None, os.getppid()):
            raise KeyboardInterrupt


def run_once(command: list[str], environ: dict[str, str]) -> None:
    """Run a program to its end.

    Raises:
        ChildFailed: it ended with an error.
    """
    status = _spawn(command, environ).wait()
    if status:
        raise ChildFailed(f"{' '.join(command[1:])}: {_cause(status)}")


def _spawn(command: list[str], environ: dict[str, str] | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=environ,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_parent(),
    )


def _die_with_parent() -> Callable[[], object] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _cause(status: int | None) -> str:
    if status is not None and status < 0:
        return signal.Signals(-status).name
    return f"exit status {status}"
