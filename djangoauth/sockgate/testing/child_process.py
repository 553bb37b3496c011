"""A server beside the tests: it starts, is ready, and ends with the process of the tests.

Strategy: a process that is killed runs no ``atexit``. So a small shell waits for the end of a pipe
of which the process of the tests has the other end, and then ends the server.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic, sleep

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
_POLL_S = 0.01
_END_AFTER_INPUT = 'read -r _; kill "$1"'


class ServerFailed(Exception):
    """A server did not start; the message ends with its log."""


class ChildProcess:
    """One server, which can be started again after its end.

    Args:
        name: for messages.
        command: its command line.
        is_ready: returns whether it answers.
    """

    def __init__(self, name: str, command: Sequence[str], is_ready: Callable[[], bool]) -> None:
        self._name = name
        self._command = command
        self._is_ready = is_ready
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115  (it lives as long as the process)
        self._process: subprocess.Popen[str] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self, environ: Mapping[str, str], text: str = "") -> None:
        """Start it, and wait until it is ready.

        Args:
            environ: its whole environment.
            text: on its standard input.

        Raises:
            ServerFailed: it ended, or was not ready in time.
        """
        self._process = subprocess.Popen(
            self._command,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._guard = _guard_of(self._process.pid)
        _write_to(self._process, text)
        deadline = monotonic() + START_TIMEOUT_S
        while not self._is_ready():
            if self._process.poll() is not None or monotonic() > deadline:
                self.kill()
                raise ServerFailed(f"The {self._name} did not start. Its log:\n{self.log()}")
            sleep(_POLL_S)  # Another process starts: nothing to wait on.

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT_S)
        self.kill()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """End it, and forget its log."""
        self.stop()
        self._log.close()

    def log(self) -> str:
        """Return what it has written."""
        self._log.seek(0)
        return self._log.read()


def _write_to(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None  # noqa: S101  (for the type checker)
    try:
        process.stdin.write(text)
        process.stdin.close()
    except BrokenPipeError:  # It has ended; its log says why.
        return


def _guard_of(process_id: int) -> subprocess.Popen[bytes] | None:
    """Start the shell that ends a process after this one; Ctrl-C does not reach the shell."""
    if os.name != "posix":
        return None
    return subprocess.Popen(
        ["/bin/sh", "-c", _END_AFTER_INPUT, "sh", str(process_id)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
