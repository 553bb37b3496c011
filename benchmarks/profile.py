"""The profile recipe of the hot paths: ``python -m benchmarks profile [PATH]``.

The gateway runs under cProfile while one path is worked: ``connect``, ``fanout``, ``burst`` or
``private``. cProfile makes calls look dearer than they are: read it for who calls what how often,
and measure what a change brings without it. Where Linux ``perf`` may be used, the machine's own
view (the kernel's share, the interpreter's) is shown after it, of a run without cProfile.
"""

import pstats
import shutil
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path

from . import load, machine
from .places import BUILD
from .process import Process
from .servers.sockgate import Sockgate
from .stage import started

PATHS = {
    "connect": load.Load(conns=2000),
    "fanout": load.Load(conns=1000, rounds=200),
    "burst": load.Load(conns=1000, rounds=64 * 50, burst=64),
    "private": load.Load(conns=1000, rounds=50_000, window=256, to_one=True),
}
SHOWN = 30


class _Profiled(Sockgate):
    """The gateway under cProfile, which writes its statistics at the end."""

    def command(self) -> list[str]:
        return [self.python, "-m", "cProfile", "-o", str(_statistics()), "-m", "sockgate_gateway"]


def profile(*paths: str) -> None:
    """Profile the named paths, or all of them."""
    machine.raise_file_limit()
    for path in paths or PATHS:
        print(f"\n== {path}: cProfile, by time in the function itself", flush=True)
        with suppress(FileNotFoundError):
            _statistics().unlink()
        _work(_Profiled(), PATHS[path])
        pstats.Stats(str(_statistics())).sort_stats("tottime").print_stats(SHOWN)
        if shutil.which("perf"):
            print(f"== {path}: perf", flush=True)
            print(_perf(PATHS[path]))


def _statistics() -> Path:
    return BUILD / "profile.pstats"


def _work(server: Sockgate, work: load.Load, with_perf: bool = False) -> None:
    server.prepare()
    with ExitStack() as stack:
        running = stack.enter_context(started(server))
        if with_perf:
            stack.enter_context(_recording(running.process))
        print(load.run(running, work, server.websocket()))


def _perf(work: load.Load) -> str:
    _work(Sockgate(), work, with_perf=True)
    command = ["perf", "report", "--stdio", "--no-children", "--percent-limit", "0.8"]
    command += ["-i", str(BUILD / "perf.data"), "--sort", "dso,symbol"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("#")]
    return "\n".join(lines[:SHOWN]) or f"perf printed nothing: {done.stderr.strip()[-300:]}"


class _recording:  # noqa: N801 - reads as a verb
    """Record a process with perf."""

    def __init__(self, process: Process) -> None:
        self._pid = process.pids[0]
        self._popen: subprocess.Popen[bytes]

    def __enter__(self) -> None:
        command = ["perf", "record", "-q", "-F", "999", "-o", str(BUILD / "perf.data")]
        command += ["-p", str(self._pid)]
        self._popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __exit__(self, *failure: object) -> None:
        self._popen.terminate()
        self._popen.wait()
