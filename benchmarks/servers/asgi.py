"""Servers that run under uvicorn, with uvloop, httptools and websockets."""

from pathlib import Path

from ..interpreter import environment
from ..places import PROGRAMS
from ..process import Process
from ..redisserver import Redis
from .base import Server

UVICORN = ("uvicorn[standard]==0.54.0", "redis[hiredis]==6.4.0")


class AsgiServer(Server):
    """An ASGI application of ``programs/``, in an environment of its own."""

    packages: tuple[str, ...]
    module: str

    def prepare(self) -> None:
        """Install it."""
        environment("peers", *self.packages)

    def process(self, port: int, redis: Redis, core: int, *, compression: bool = False) -> Process:
        """Make its process."""
        python = environment("peers", *self.packages)
        command: list[str | Path] = [
            python,
            "-m",
            "uvicorn",
            f"{self.module}:application",
            "--app-dir",
            PROGRAMS,
        ]
        command += ["--port", str(port), "--log-level", "warning", "--backlog", "4096"]
        return Process(self.name, command, core, port, {"REDIS_URL": redis.url})
