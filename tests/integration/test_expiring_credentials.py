"""Credentials end under live connections: no link is lost, and no publication."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from sockgate.publishing.publisher import Publisher
from sockgate_gateway.broker import link_login
from sockgate_gateway.redis_servers import credentials

from tests.integration.clusters import Cluster
from tests.integration.gatewayprocess import Django, environment, run_to_end
from tests.integration.providers import CLUSTER, PASSWORD, SERVER, create_account
from tests.integration.rotating import FACTORY, PROVIDER
from tests.integration.running_worker import RunningWorker, run_worker
from tests.integration.sequences import ClientState
from tests.integration.test_providers import CHANNEL, event, opened
from tests.ports import HOST
from tests.waiting import until

pytestmark = pytest.mark.integration

FIRST, SECOND = "first", "second"


class Service:
    """A server or a cluster, whose accounts a test changes on each node."""

    def __init__(self, url: str, ports: list[int]) -> None:
        self.url = url
        self.nodes = [Redis(port=port, protocol=2) for port in ports]
        for node in self.nodes:
            node.flushall()
            create_account(node, FIRST, ())

    def create(self, name: str) -> None:
        for node in self.nodes:
            create_account(node, name, ())

    def end(self, name: str) -> None:
        """End an account: Valkey closes each connection that is still logged in as this one."""
        for node in self.nodes:
            node.acl_deluser(name)

    def links(self, *names: str) -> list[str]:
        """List the links that are logged in as one of these accounts."""
        found = [one for node in self.nodes for one in node.client_list(_type="pubsub")]
        return [one["id"] for one in found if one["user"] in (names or (FIRST, SECOND))]

    def cut(self) -> None:
        """Close all connections of Sockgate, as a service does after some hours."""
        for node in self.nodes:
            for one in node.client_list():
                if one["user"] in (FIRST, SECOND):
                    node.client_kill_filter(_id=one["id"])


@pytest.fixture(params=[SERVER, CLUSTER])
def service(
    request: Any, redis_server: Any, nodes: Cluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Service]:
    monkeypatch.setattr(credentials, "RENEW_S", 0.02)
    monkeypatch.setattr(link_login, "RENEWAL_CHECK_S", 0.01)
    PROVIDER.credentials, PROVIDER.failure = (FIRST, PASSWORD), None
    if request.param == SERVER:
        service = Service(f"redis://{HOST}:{redis_server.port}", [redis_server.port])
    else:
        service = Service(nodes.url, [node.port for node in nodes.servers])
    yield service
    for name in (FIRST, SECOND):
        service.end(name)
    for node in service.nodes:
        node.close()


@asynccontextmanager
async def receiving(service: Service) -> AsyncIterator[tuple[Any, Any, ClientState, RunningWorker]]:
    """A browser at a worker, and a publisher, which both have credentials that end."""
    state = ClientState()
    with Publisher(service.url, credentials=PROVIDER) as publisher:
        admin: Any = publisher._client
        options = {"redis_url": service.url, "redis_credentials": FACTORY}
        async with run_worker(admin, **options) as worker:
            token = Django(admin).log_in("sid")
            async with opened(worker, token, state) as browser:
                yield browser, publisher, state, worker


async def test_account_that_ends_costs_no_link_and_no_publication(service):
    async with receiving(service) as (browser, publisher, state, worker):
        links = service.links()
        publisher.publish(7, "n", 1, sequenced=True)
        await state.receive_until(browser, CHANNEL, event(1))
        service.create(SECOND)
        PROVIDER.credentials = (SECOND, PASSWORD)
        number = 1
        while service.links(FIRST):
            number += 1
            publisher.publish(7, "n", number, sequenced=True)
            await state.receive_until(browser, CHANNEL, event(number))
        service.end(FIRST)
        try:
            publisher.publish(7, "n", "last", sequenced=True)
        except RedisConnectionError:  # A connection to a cluster is reopened after the cut.
            publisher.publish(7, "n", "last", sequenced=True)
        await state.receive_until(browser, CHANNEL, event("last"))
        assert service.links() == links, "the same link"
        assert worker.worker.is_ready
    numbers = [*range(1, number + 1), "last"]
    assert state.received[CHANNEL] == [*map(event, numbers)], "all of them, once, without a gap"


async def test_refused_renewal_leaves_the_link_as_it_is(service, caplog):
    async with receiving(service) as (browser, publisher, state, _):
        links = service.links()
        PROVIDER.credentials = (FIRST, "not-the-password")
        await until(lambda: "event=credentials_refused" in caplog.text)
        PROVIDER.failure = RuntimeError(PASSWORD)
        await until(lambda: "event=credentials_not_renewed" in caplog.text)
        PROVIDER.credentials, PROVIDER.failure = (FIRST, PASSWORD), None
        publisher.publish(7, "n", 1, sequenced=True)
        await state.receive_until(browser, CHANNEL, event(1))
        assert service.links() == links
    assert PASSWORD not in caplog.text
    assert "not-the-password" not in caplog.text


async def test_service_that_cuts_connections_costs_no_sequenced_publication(service):
    async with receiving(service) as (browser, publisher, state, worker):
        for number in range(1, 4):
            password = f"{number}{PASSWORD}"
            for node in service.nodes:
                node.execute_command("ACL", "SETUSER", FIRST, "resetpass", f">{password}")
            PROVIDER.credentials = (FIRST, password)
            service.cut()
            publisher.publish(7, "n", number, sequenced=True, idempotency_key=str(number))
            await state.receive_until(browser, CHANNEL, event(number))
            await until(lambda: worker.worker.is_ready)
    received = [one for one in state.received[CHANNEL] if one != ClientState.GAP]
    assert received == [event(1), event(2), event(3)]


@pytest.mark.parametrize(
    ("factory", "problem"),
    [
        ("tests.integration.rotating", "must be package.module:factory"),
        ("tests.integration.absent:provider", "cannot be imported (ModuleNotFoundError)"),
        ("tests.integration.rotating:FACTORY", "names nothing that can be called"),
        ("tests.integration.rotating:number", "must return a CredentialProvider"),
        ("tests.integration.rotating:broken", "the factory has failed (RuntimeError)"),
    ],
)
def test_wrong_factory_is_named_without_what_it_says(redis_server, factory, problem):
    variables = environment(redis_server.connection_url, redis_credentials=factory)
    found = run_to_end({**variables, "PYTHONPATH": "."}, "--check-config")
    assert found.returncode == 2
    assert "SOCKGATE_REDIS_CREDENTIALS: " in found.stderr
    assert problem in found.stderr
    assert PASSWORD not in found.stderr
