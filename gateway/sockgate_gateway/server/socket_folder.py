"""A folder for the Unix sockets of workers, also where the root file system is read-only.

Sockets without a folder (abstract ones) would be open to every user of the host, and a worker
believes what the others say about a client.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
"""Writable in containers with a read-only root, too."""


def folders() -> list[Path]:
    """List the folders to try: that of systemd's ``RuntimeDirectory=`` first."""
    given = [os.environ.get(name, "") for name in ("RUNTIME_DIRECTORY", "TMPDIR")]
    named = [Path(path) for text in given for path in text.split(":")[:1] if path]
    return [*named, Path("/tmp"), Path("/var/tmp"), SHARED_MEMORY]  # noqa: S108


def find_folder() -> Path | None:
    """Return the first folder in which this process may create others; None: there is none."""
    return next(filter(_is_usable, folders()), None)


def _is_usable(folder: Path) -> bool:
    try:
        TemporaryDirectory(prefix="sockgate-", dir=folder).cleanup()
    except OSError:
        return False
    return True
