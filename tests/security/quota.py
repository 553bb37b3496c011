"""A process with a share of one processor, by a control group or by stopping it in turns."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup/cpu")
PERIOD_US = 100_000
TURN_S = 0.05
"""So long a process is stopped at a time, in turns."""


def has_groups() -> bool:
    """Return whether this test may make control groups of its own."""
    return os.access(GROUPS, os.W_OK)


@contextmanager
def control_group(pids: list[int], share: float) -> Iterator[None]:
    """Let processes have a share of one processor together, by the kernel's own quota."""
    group = GROUPS / f"sockgate-{pids[0]}"
    group.mkdir()
    try:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(int(share * PERIOD_US)))
        for pid in pids:
            (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        for pid in (group / "cgroup.procs").read_text().split():
            (GROUPS / "cgroup.procs").write_text(pid)
        group.rmdir()


@contextmanager
def taking_turns(pid: int, share: float) -> Iterator[None]:
    """Stop a process again and again, so that it runs for this share of the time."""
    ended = threading.Event()

    def stop_and_continue() -> None:
        while not ended.is_set():
            os.kill(pid, signal.SIGSTOP)
            ended.wait(TURN_S)
            os.kill(pid, signal.SIGCONT)
            ended.wait(TURN_S * share / (1 - share))

    thread = threading.Thread(target=stop_and_continue)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
