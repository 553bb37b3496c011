"""Server processes: start on a core, wait until ready, stop with all children."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from . import machine
from .places import BUILD

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0


class DidNotStart(Exception):
    """A server ended, or did not listen in time. The message has its last output."""


class Process:
    """A server in a process group of its own.

    Args:
        name: names its log file.
        command: what to run.
        core: where.
        port: where it will listen.
        environ: variables beside ours.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        core: int,
        port: int,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._command = [str(part) for part in command]
        self._core = core
        self._port = port
        self._environ = {**os.environ, **(environ or {})}
        self._log = BUILD / f"{name}.log"
        self._popen: subprocess.Popen[bytes]

    def __enter__(self) -> "Process":
        BUILD.mkdir(exist_ok=True)
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environ,
                start_new_session=True,
                preexec_fn=machine.pin(self._core),
            )
        try:
            self._wait_until_listening()
        except DidNotStart:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def pids(self) -> list[int]:
        """List the process and its descendants."""
        found = [self._popen.pid]
        for pid in found:
            found += _children(pid)
        return found

    def _wait_until_listening(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._popen.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise DidNotStart(f"{self.name}: {self._last_output()}")

    def _last_output(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:]) or "did not listen in time"

    def _stop(self) -> None:
        for signum in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._popen.pid, signum)
            except ProcessLookupError:
                break
            try:
                self._popen.wait(STOP_TIMEOUT_S if signum == signal.SIGTERM else 5)
            except subprocess.TimeoutExpired:
                continue
        self._popen.wait()


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(child) for child in path.read_text().split()]
    except OSError:
        return []
