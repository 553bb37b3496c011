"""The machine: its cores, who runs on which, how many files may be open."""

import os
import platform
import resource
import socket
from collections.abc import Callable
from pathlib import Path

FILES_NEEDED = 20_000


def server_core() -> int:
    """Give the core of the server that is measured: the last one."""
    return max(os.sched_getaffinity(0))


def generator_core() -> int:
    """Give the core of the generator and of Redis: the first one."""
    return min(os.sched_getaffinity(0))


def pin(core: int) -> Callable[[], None]:
    """Give what a child process calls to move to a core, before it becomes a program."""
    return lambda: os.sched_setaffinity(0, {core})


def raise_file_limit() -> int:
    """Let this process and its children open many files.

    Returns:
        How many.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(hard, FILES_NEEDED)
    for limit in (wanted, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        except (ValueError, OSError):
            continue
        return limit
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def free_port() -> int:
    """Find a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def describe() -> dict[str, str | int | float]:
    """Say what machine this is, and how busy it was with other things."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
