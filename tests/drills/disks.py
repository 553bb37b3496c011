"""Small disks of their own for what can run out of room."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def may_mount() -> bool:
    """Return whether this process may have mounts of its own."""
    if os.getuid() or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Make a folder on a disk of this size, or a plain one where nothing may be mounted."""
    folder.mkdir(parents=True)
    if not may_mount():
        yield folder
        return
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
