"""Tabs that join late receive the newest publications, whoever has the connection: in Chromium."""

import json

import pytest
from playwright.sync_api import BrowserContext
from sockgate.publishing.publisher import Publisher

from tests.integration.shared.tabs import (
    ROOM,
    WITHOUT_WORKER,
    Open,
    SharedTab,
)

pytestmark = pytest.mark.integration

PRICE = "price:gold"
NAMESPACES = {
    "room": {"public": True},
    "price": {"public": True, "state": "latest"},
    "user": {"state": "latest"},
}
WAYS = {"worker": "", "apart": WITHOUT_WORKER}


@pytest.fixture(scope="module")
def namespaces() -> str:
    return json.dumps(NAMESPACES)


@pytest.fixture(params=WAYS)
def open_tab(request, context: BrowserContext, open_tab) -> Open:
    context.add_init_script(WAYS[request.param] or ";")
    return open_tab


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
