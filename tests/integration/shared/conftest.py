"""The site and the gateway for tabs that share one connection."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext
from sockgate.publishing.publisher import Publisher
from sockgate_gateway.wire.namespaces import read_namespaces

from tests.integration.gatewayprocess import Gateway
from tests.integration.shared.tabs import (
    MAX_PUBLICATION,
    Open,
    SharedSite,
    connections,
    opener,
)
from tests.ports import free_port
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def port() -> int:
    """Of the site: the gateway knows its origin."""
    return free_port()


@pytest.fixture(scope="module")
def namespaces() -> str:
    """For gateway and publisher.

    At 25 publications a second, the history of 1,000 reaches back 40 s, and the default of 100
    would reach back 4 s. Tabs notice after 5 s that their worker has crashed.
    """
    return json.dumps(
        {"room": {"public": True, "presence": True, "publish": "subscribers", "history": 1000}}
    )


@pytest.fixture(scope="module")
def gateway(redis_server, port, namespaces, tmp_path_factory) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    options = {
        "origins": f"http://127.0.0.1:{port}",
        "namespaces": namespaces,
        "max_publication": MAX_PUBLICATION,
    }
    gateway = Gateway(redis_server.connection_url, log, **options).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def site(django, port) -> Iterator[SharedSite]:
    site = SharedSite(port, lambda: django.token("sid"))
    yield site
    site.stop()


@pytest.fixture
def publisher(redis_server, namespaces) -> Iterator[Publisher]:
    url = redis_server.connection_url
    with Publisher(url, namespaces=read_namespaces(namespaces)) as publisher:
        yield publisher


@pytest.fixture
def open_tab(context: BrowserContext, site, gateway, django) -> Iterator[Open]:
    """Open a tab of a login; they cannot share until all have loaded the script."""
    yield opener(context, site, gateway, django)
    context.close()
    wait_until(lambda: connections(gateway) == 0)
