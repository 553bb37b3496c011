"""Each feature under the account of each service, on one server and on a cluster."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sockgate.publishing.publisher import Publisher
from sockgate.redis_clients.scripts import END_RECORD
from sockgate_gateway.redis_servers.clients import close_client, open_client
from sockgate_gateway.redis_servers.options import Timeouts
from sockgate_gateway.wire.closecodes import CloseCode
from sockgate_gateway.wire.control import RevokeSession, write_control
from websockets.asyncio.client import ClientConnection, connect

from tests.integration.clusters import Cluster
from tests.integration.gatewayprocess import (
    NAMES,
    Django,
    environment,
    receive_close,
    receive_until,
    run_to_end,
)
from tests.integration.providers import (
    CLUSTER,
    PROFILES,
    SERVER,
    WITHOUT_SCRIPTS,
    create_account,
    with_account,
)
from tests.integration.running_worker import RunningWorker, run_worker
from tests.integration.sequences import ClientState
from tests.waiting import until

pytestmark = pytest.mark.integration

CHANNEL = "user:7"
NAMESPACES = '{"hall": {"public": true, "presence": true, "join_leave": true}}'
CHECKED = [*(one for one in PROFILES if len(one.missing) != 1), WITHOUT_SCRIPTS]
CASES = [(profile, kind) for profile in PROFILES for kind in profile.kinds]


@pytest.fixture(scope="module")
def urls(redis_server: Any, nodes: Cluster) -> Iterator[dict[str, str]]:
    """Both kinds, with the accounts of all profiles."""
    servers = {SERVER: [redis_server.port], CLUSTER: [node.port for node in nodes.servers]}
    for profile, kind in [*CASES, (WITHOUT_SCRIPTS, SERVER)]:
        for port in servers[kind]:
            with Redis(port=port, protocol=2) as node:
                create_account(node, profile.name, profile.refused)
    yield {SERVER: f"redis://127.0.0.1:{redis_server.port}", CLUSTER: nodes.url}
    for profile in (*PROFILES, WITHOUT_SCRIPTS):
        with Redis(port=redis_server.port) as node:
            node.acl_deluser(profile.name)


@pytest.fixture
def admin(kind: str, redis_server: Any, nodes: Cluster) -> Iterator[Any]:
    """A client that may do everything, of the emptied server or cluster."""
    if kind == CLUSTER:
        with nodes.emptied() as client:
            yield client
        return
    with Redis(port=redis_server.port, protocol=2) as client:
        client.flushall()
        yield client


@asynccontextmanager
async def opened(
    worker: RunningWorker, token: str, state: ClientState
) -> AsyncIterator[ClientConnection]:
    """A browser that goes on from its positions."""
    url = f"{worker.url.replace('http', 'ws')}/websocket"
    async with connect(url, compression=None, proxy=None) as browser:
        await browser.send(state.connect_frame(token))
        await state.receive_type(browser, "connected")
        yield browser


def event(data: object) -> dict[str, object]:
    return {"event": "n", "data": data}


@pytest.mark.parametrize(
    ("profile", "kind"), CASES, ids=[f"{profile.name}-{kind}" for profile, kind in CASES]
)
async def test_service_carries_every_feature(profile, kind, urls, admin):
    url = with_account(urls[kind], profile.name)
    state, token = ClientState(), Django(admin).log_in("sid")
    options = {"redis_url": url, "namespaces": NAMESPACES, "audit_interval": 1000.0}
    with Publisher(url) as publisher:
        async with run_worker(admin, **options) as worker:
            await until(lambda: len(worker.worker.health.notes) == len(profile.missing))
            assert all(f"Redis refuses {name} " in refused(worker) for name in profile.missing)
            async with opened(worker, token, state) as browser:
                publisher.publish(7, "n", "plain", sequenced=False)
                await state.receive_until(browser, CHANNEL, event("plain"))
                publisher.publish(7, "n", 1, sequenced=True)
                await state.receive_until(browser, CHANNEL, event(1))
                await see_presence(browser)
            publisher.publish(7, "n", 2, sequenced=True)
            async with opened(worker, token, state) as browser:
                await state.receive_until(browser, CHANNEL, event(2))
                log_out(url)
                assert (await receive_close(browser))[0] == CloseCode.SESSION_ENDED
    assert state.received[CHANNEL] == [event("plain"), event(1), event(2)], "no gap"


def refused(worker: RunningWorker) -> str:
    return "\n".join(worker.worker.health.notes)


@pytest.mark.parametrize("profile", CHECKED, ids=lambda profile: profile.name)
def test_check_of_the_configuration_names_what_a_service_refuses(profile, urls):
    variables = environment(with_account(urls[SERVER], profile.name))
    found = run_to_end(variables, "--check-config")
    for name in profile.missing:
        assert f"Redis refuses {name} (" in found.stderr
    assert found.stderr.count("Redis refuses") == len(profile.missing)
    assert found.returncode == (2 if profile is WITHOUT_SCRIPTS else 0), found.stderr


async def see_presence(browser: ClientConnection) -> None:
    await browser.send(json.dumps({"type": "subscribe", "channel": "hall"}))
    await receive_until(browser, type="subscribed", channel="hall")
    users = {}
    while users != {"7": 1}:
        await browser.send(json.dumps({"type": "presence", "channel": "hall"}))
        users = (await receive_until(browser, type="presence"))["users"]


@pytest.mark.parametrize("kind", [SERVER, CLUSTER])
@pytest.mark.parametrize("profile", ["redis_enterprise", "elasticache"])
async def test_epoch_ends_at_a_new_link_where_scripts_may_not_run_info(profile, kind, urls, admin):
    url = with_account(urls[kind], profile)
    state, token = ClientState(), Django(admin).log_in("sid")
    async with run_worker(admin, redis_url=url) as worker, opened(worker, token, state) as browser:
        with Publisher(url) as publisher:
            publisher.publish(7, "n", 1, sequenced=True)
            await state.receive_until(browser, CHANNEL, event(1))
            former = list(state.positions[CHANNEL])
            cut_links(admin, kind)
            await until(lambda: not worker.worker.is_ready)
            await until(lambda: worker.worker.is_ready)
            publisher.publish(7, "n", 2, sequenced=True)
            await state.receive_until(browser, CHANNEL, event(2))
    has_new_epoch = state.positions[CHANNEL][0] != former[0]
    assert has_new_epoch == (profile == "redis_enterprise")


def cut_links(admin: Any, kind: str) -> None:
    nodes = {"target_nodes": type(admin).ALL_NODES} if kind == CLUSTER else {}
    admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub", **nodes)


def log_out(url: str) -> None:
    """End the session as Django does."""
    client = open_client(url, Timeouts(60.0, 60.0), Retry(NoBackoff(), 0))
    message = write_control(RevokeSession("sid"))
    client.eval(END_RECORD, 1, NAMES.session("sid"), NAMES.control, message)
    close_client(client)
