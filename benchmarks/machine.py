"""The machine: cores and their use, the limit of open files."""

import os
import platform
import resource
import socket
from collections.abc import Callable
from pathlib import Path

FILES_NEEDED = 20_000


def server_core() -> int:
    """Return the core for the measured server: the last one."""
    return max(os.sched_getaffinity(0))


def generator_core() -> int:
    """Return the core for the generator and Redis: the first one."""
    return min(os.sched_getaffinity(0))


def pin(core: int) -> Callable[[], None]:
    """Return a ``preexec_fn`` that moves a child process to a core."""
    return lambda: os.sched_setaffinity(0, {core})


def raise_file_limit() -> int:
    """Raise the limit of open files for this process and its children.

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
    """Find a free port on the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def describe() -> dict[str, str | int | float]:
    """Describe the machine and its load before the run."""
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
