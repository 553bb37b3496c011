"""A program that is kept running: its lines are marked, and it is started again when it ends.

Asynchronous, and without Django.
"""

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from ..conf.defaults.ports import is_free
from .ports import answers, replies

Write = Callable[[str], None]

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 15.0
SETTLED_S = 10.0
"""A program that ran at least this long is started again after the first delay."""

STOP_TIMEOUT_S = 5.0
READY_CHECK_S = 0.05
PROBE_EVERY_S = 2.0
PROBE_TIMEOUT_S = 5.0
MISSED_PROBES = 3
"""The probes in a row without a reply after which a program is killed."""

KEPT_LINES = 20

_LINE_BYTES = 1024 * 1024
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program.

    Args:
        name: stands before each of its lines.
        command: its command line.
        environ: its whole environment.
        host: where it accepts connections when it is ready.
        port: where it accepts connections when it is ready.
        welcome: written when it is ready.
        probe: what it always replies to; empty: it is not watched.
        is_quiet: its lines are written only after an unexpected end, and only the last ones.
        descriptors: are inherited.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    host: str
    port: int
    welcome: str
    probe: bytes = b""
    is_quiet: bool = False
    descriptors: tuple[int, ...] = ()


class KeptProgram:
    """Keeps a program running until ``run`` is cancelled.

    Args:
        program: what runs.
        write: writes one line for the developer.
        is_ready: is set while the program accepts connections.
    """

    def __init__(self, program: Program, write: Write, is_ready: asyncio.Event) -> None:
        self._program = program
        self._is_ready = is_ready
        self._write_line = write
        self._last_lines: deque[str] = deque(maxlen=KEPT_LINES)

    async def run(self) -> None:
        """Start the program, and start it again, after growing delays, whenever it ends."""
        delay_s = FIRST_DELAY_S
        while True:
            started = monotonic()
            cause = await self._run_once()
            if monotonic() - started >= SETTLED_S:
                delay_s = FIRST_DELAY_S
            while self._last_lines:
                self._write(self._last_lines.popleft())
            self._write(f"ended with {cause}; it starts again in {delay_s:g} s")
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, LONGEST_DELAY_S)

    async def _run_once(self) -> str:
        """Start the program, and return how it ended.

        A port that answers before the start is another program's, and must not count as ready:
        pages would send it tokens, and commands the password of Redis.
        """
        if not await asyncio.to_thread(is_free, self._program.host, self._program.port):
            return f"port {self._program.port} in use by another program"
        try:
            process = await self._start()
        except OSError as error:
            return str(error)
        watch = asyncio.create_task(self._watch(process))
        try:
            await self._forward(process)
            return _cause(await process.wait())
        finally:
            watch.cancel()
            self._is_ready.clear()
            await _stop(process)

    async def _start(self) -> Process:
        return await asyncio.create_subprocess_exec(
            *self._program.command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            limit=_LINE_BYTES,
            env=self._program.environ,
            pass_fds=self._program.descriptors,
            preexec_fn=_end_with_parent(),
        )

    async def _watch(self, process: Process) -> None:
        """Say when the program is ready, and kill it when it hangs."""
        await self._announce()
        if not self._program.probe:
            return
        missed, heard_at = 0, monotonic()
        while missed < MISSED_PROBES:
            await asyncio.sleep(PROBE_EVERY_S)
            if await self._replies():
                missed, heard_at = 0, monotonic()
            else:
                missed += 1
        silent_s = monotonic() - heard_at
        self._write(
            f"has not answered for {silent_s:.0f} s: it hangs or was stopped, and is killed"
        )
        with suppress(ProcessLookupError):
            process.kill()

    async def _replies(self) -> bool:
        program = self._program
        return await asyncio.to_thread(
            replies, program.host, program.port, program.probe, PROBE_TIMEOUT_S
        )

    async def _announce(self) -> None:
        while not await asyncio.to_thread(answers, self._program.host, self._program.port):
            await asyncio.sleep(READY_CHECK_S)
        self._write(self._program.welcome)
        self._is_ready.set()

    async def _forward(self, process: Process) -> None:
        assert process.stdout is not None  # noqa: S101  (for the type checker)
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # longer than the limit
                continue
            if not line:
                return
            self._take(line.decode(errors="replace").rstrip())

    def _take(self, line: str) -> None:
        if self._program.is_quiet:
            self._last_lines.append(line)
        else:
            self._write(line)

    def _write(self, line: str) -> None:
        self._write_line(f"[{self._program.name}] {line}")


async def _stop(process: Process) -> None:
    """Send SIGTERM, and SIGKILL to a process that does not end in time."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _cause(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def _end_with_parent() -> Callable[[], object] | None:
    """On Linux, make the kernel end a program whose supervisor was killed; see prctl(2)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
