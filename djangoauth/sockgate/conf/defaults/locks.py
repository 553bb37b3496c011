"""Locks on files, which the system releases when their last holder ends, however it ends.

A process id says less: another program may have it by now. Imports nothing of Django.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock of a file; False where there is no such file.

    It takes a shared lock for a moment, so that two that ask do not see each other.
    """
    if sys.platform == "win32":
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # The file system has no locks.
        return False
    finally:
        os.close(descriptor)
    return False


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file, for as long as it is open anywhere; False: it is held."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the lock of a file, and hold it during the block.

    Raises:
        OSError: the file cannot be written, or its file system has no locks.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if sys.platform != "win32":
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
