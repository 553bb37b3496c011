"""Balance between workers: a simulation of hosts, on the product's own workers."""

import random
from itertools import count

import pytest
from sockgate_gateway.server.balance import FLOOR, PAUSE_S, SETTLE_S, TRIAL, Balancer
from sockgate_gateway.wire.closecodes import CloseCode

from tests.unit.gateway.fakes import Clock
from tests.unit.gateway.memory_worker import FakeClient, MemoryWorker
from tests.waiting import turn_loop

RATIO = 1.3
SMALL_LIMITS = {
    "max_connections": 10_000,
    "max_unauthenticated": 10_000,
    "max_per_user": 10_000,
    "max_per_address": 10_000,
}


class Host:
    """One worker, its clients, and its balancer."""

    def __init__(self, clock: Clock, site: "Site") -> None:
        self.worker = MemoryWorker(clock, **SMALL_LIMITS)
        self.clients: dict[int, FakeClient] = {}
        registry, lifecycle = self.worker.registry, self.worker.lifecycle
        self.balancer = Balancer(
            registry, lifecycle, lambda: site.others(self), clock.read, site.ratio
        )

    @property
    def count(self) -> int:
        return len(self.worker.registry.connections)


class Site:
    """Some hosts behind a balancer, which sends each new client to one of them."""

    def __init__(self, hosts: int, *, ratio: float = RATIO, choose=None) -> None:
        self.clock = Clock()
        self.ratio = ratio
        self.hosts = [Host(self.clock, self) for _ in range(hosts)]
        self.choose = choose or (lambda: min(self.hosts, key=lambda host: host.count))
        self.reconnects: dict[int, int] = {}

    def others(self, host: Host) -> dict[str, int]:
        return {str(n): one.count for n, one in enumerate(self.hosts) if one is not host}

    async def connect(self, number: int, host: Host) -> None:
        client = host.worker.open_client()
        client.send_token(host.worker.log_in(f"sid-{number}", str(number)))
        host.clients[number] = client

    async def connect_many(self, host: Host, numbers) -> None:
        for number in numbers:
            await self.connect(number, host)
        await turn_loop()

    async def round(self) -> None:
        """Let a second pass; who was sent away comes back somewhere."""
        self.clock.now += 1
        for host in self.hosts:
            host.balancer.balance()
        for host in self.hosts:
            for number, client in list(host.clients.items()):
                if client.code is not None:
                    assert client.code == CloseCode.DRAIN
                    del host.clients[number]
                    self.reconnects[number] = self.reconnects.get(number, 0) + 1
                    await self.connect(number, self.choose())
        await turn_loop()

    async def rounds(self, seconds: int) -> None:
        for _ in range(int(seconds)):
            await self.round()

    def counts(self) -> list[int]:
        return [host.count for host in self.hosts]


async def site_after_a_restart(**options) -> Site:
    """Host 1 was restarted: its 150 clients are at host 0 now, after the 150 of that host."""
    site = Site(2, **options)
    await site.connect_many(site.hosts[0], range(300))
    assert site.counts() == [300, 0]
    return site


async def test_clients_go_to_the_host_that_is_back_and_move_once():
    site = await site_after_a_restart()
    await site.rounds(SETTLE_S - 1)
    assert site.counts() == [300, 0], "it waits whether the clients come back by themselves"
    await site.rounds(600)
    assert site.counts() == [195, 105], "1.3 times the average, and no client more"
    assert set(site.reconnects.values()) == {1}
    assert set(site.reconnects) <= set(range(150)), "those who have moved already stay"


async def test_only_a_few_clients_move_each_second():
    site = await site_after_a_restart()
    await site.rounds(SETTLE_S)
    before = site.counts()[0]
    await site.round()
    assert 1 <= before - site.counts()[0] <= 2


async def test_nobody_moves_twice_where_new_clients_go_anywhere():
    choices = random.Random(7)
    site = await site_after_a_restart()
    site.choose = lambda: choices.choice(site.hosts)
    await site.rounds(PAUSE_S)
    assert set(site.reconnects.values()) == {1}
    assert len(site.reconnects) <= 150
    assert site.counts()[0] < 260


async def test_balanced_hosts_never_move_a_client_to_and_fro():
    site = Site(4)
    numbers = count()
    for host, size in zip(site.hosts, (120, 90, 100, 95), strict=True):
        await site.connect_many(host, [next(numbers) for _ in range(size)])
    await site.rounds(2 * SETTLE_S)
    assert site.reconnects == {}


async def test_worker_stops_where_its_clients_come_back_to_it():
    """The balancer in front does not use the other host, for whatever reason."""
    site = await site_after_a_restart()
    site.choose = lambda: site.hosts[0]
    await site.rounds(SETTLE_S + 300)
    assert TRIAL <= len(site.reconnects) <= 2 * TRIAL
    await site.rounds(PAUSE_S - 310)
    assert len(site.reconnects) <= 2 * TRIAL


@pytest.mark.parametrize(
    ("hosts", "clients", "ratio"),
    [(1, 300, RATIO), (2, FLOOR, RATIO), (2, 300, 0)],
    ids=["one worker", "few connections", "turned off"],
)
async def test_nobody_moves_without_need(hosts, clients, ratio):
    site = Site(hosts, ratio=ratio)
    await site.connect_many(site.hosts[0], range(clients))
    await site.rounds(4 * SETTLE_S)
    assert site.reconnects == {}


async def test_client_with_unsent_frames_stays():
    site = await site_after_a_restart()
    busy = [site.hosts[0].clients[number] for number in range(100)]
    for client in busy:
        client.transport.has_unsent = True
    await site.rounds(600)
    assert {client.code for client in busy} == {None}
    assert set(site.reconnects) <= set(range(100, 150))


async def test_worker_that_drains_sends_nobody_away_for_balance():
    site = await site_after_a_restart()
    site.hosts[0].worker.lifecycle.is_draining = True
    await site.rounds(4 * SETTLE_S)
    assert site.reconnects == {}
