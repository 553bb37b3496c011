"""Tabs that join late receive the newest publications, whoever has the connection: in Chromium."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext
from sockgate.publishing.publisher import Publisher

from tests.integration.gatewayprocess import Gateway
from tests.integration.shared_tabs import (
    WITHOUT_ANYTHING,
    WITHOUT_LOCKS,
    WITHOUT_WORKER,
    SharedSite,
    SharedTab,
)
from tests.ports import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

ROOM, PRICE = "room:7", "price:gold"
NAMESPACES = {
    "room": {"public": True},
    "price": {"public": True, "state": "latest"},
    "user": {"state": "latest"},
}
WAYS = {
    "worker": "",
    "leader": WITHOUT_WORKER,
    "lease": WITHOUT_LOCKS,
    "apart": WITHOUT_ANYTHING,
}
Open = Callable[..., SharedTab]


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def gateway(redis_server, port, tmp_path_factory) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    options = {"origins": f"http://127.0.0.1:{port}", "namespaces": json.dumps(NAMESPACES)}
    gateway = Gateway(redis_server.connection_url, log, **options).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def publisher(redis_server) -> Iterator[Publisher]:
    with Publisher(redis_server.connection_url) as publisher:
        yield publisher


@pytest.fixture(params=WAYS)
def open_tab(request, context: BrowserContext, port, gateway, django) -> Iterator[Open]:
    site = SharedSite(port, lambda: django.token("sid"))
    context.add_init_script(WAYS[request.param] or ";")
    token = django.log_in("sid")
    yield lambda *channels, **options: SharedTab(
        context, site, gateway, token, *channels, **options
    )
    context.close()
    wait_until(lambda: gateway.metric("sockgate_connections") == 0)
    site.stop()


def publish(publisher: Publisher, channel: str, *numbers: object) -> None:
    for number in numbers:
        publisher.publish_to(channel, "n", number, sequenced=True)


def end(publisher: Publisher, channel: str, *tabs: SharedTab) -> list[list[object]]:
    """What each tab has received on a channel, up to a publication of now."""
    publish(publisher, channel, "end")
    for tab in tabs:
        tab.wait(message="end")
        assert tab.events("gap") == []
    return [tab.messages(channel)[:-1] for tab in tabs]


def test_every_tab_receives_the_state_of_a_channel(open_tab, publisher):
    publish(publisher, PRICE, 1, 2)
    tabs = [open_tab(PRICE).ready()]
    tabs[0].wait(message=2)
    tabs.append(open_tab(PRICE).ready())
    publish(publisher, PRICE, 3)
    tabs[1].wait(message=3)
    tabs.append(open_tab(PRICE).ready())
    assert end(publisher, PRICE, *tabs) == [[2, 3], [2, 3], [3]]


def test_every_tab_receives_the_state_of_its_user(open_tab, publisher):
    publisher.publish("7", "n", "first", sequenced=True)
    tabs = [open_tab().ready()]
    tabs[0].wait(message="first")
    tabs.append(open_tab().ready())
    publisher.publish("7", "n", "end", sequenced=True)
    for tab in tabs:
        tab.wait(message="end")
        assert tab.messages("user:7") == ["first", "end"]


def test_every_tab_receives_as_many_as_it_asks_for(open_tab, publisher):
    publish(publisher, ROOM, 1, 2, 3)
    one = open_tab(ROOM).ready()
    publish(publisher, ROOM, 4)
    one.wait(message=4)
    few, most, every = (open_tab(ROOM, recover=recover).ready() for recover in (1, 3, "all"))
    assert end(publisher, ROOM, one, few, most, every) == [[4], [4], [2, 3, 4], [1, 2, 3, 4]]
