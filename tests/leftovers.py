"""Processes of a test run carry a mark in their environment; none may remain afterwards."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

MARK = "TEST_RUN_MARK"
PATIENCE_S = 60


@contextmanager
def none_left() -> Iterator[None]:
    """Mark every process that is started meanwhile; soon afterwards all must have ended."""
    os.environ.setdefault(MARK, token_hex(8))
    yield
    deadline = time.monotonic() + PATIENCE_S
    while (found := _marked()) and time.monotonic() < deadline:
        time.sleep(0.05)  # Poll: the processes are not children of this one.
    assert found == []


def _marked() -> list[str]:
    mark = f"{MARK}={os.environ[MARK]}".encode()
    return [_command(process) for process in Path("/proc").glob("[0-9]*") if _bears(process, mark)]


def _bears(process: Path, mark: bytes) -> bool:
    try:
        return mark in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False  # It has ended, or is not ours.


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return process.name
