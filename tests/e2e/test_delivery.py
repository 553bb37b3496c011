"""Each publication reaches its clients only, over every transport."""

import json

import pytest

from tests.e2e.nodetab import TRANSPORTS as NODE_TRANSPORTS
from tests.e2e.stack import NEWS
from tests.e2e.tabs import TABS

pytestmark = pytest.mark.e2e

EVERYONE = {"event": "news", "data": {"title": "to everyone"}}


@pytest.fixture
def alice(log_in):
    return log_in("alice")


@pytest.fixture
def bob(log_in):
    return log_in("bob")


def welcome(tab, visitor):
    frame = tab.show(visitor.token())
    assert frame["type"] == "connected"
    return frame


def publication(channel, data):
    return {"channel": channel, "data": data}


@pytest.mark.parametrize("transport", TABS)
def test_private_message_reaches_only_its_user(stack, open_tab, alice, bob, transport):
    first, second = open_tab(transport), open_tab(transport)
    own = f"user:{welcome(first, alice)['user']}"
    welcome(second, bob)
    assert stack.publish(own) == 1
    stack.publish("broadcast", EVERYONE)
    assert first.read() == publication(own, NEWS)
    assert first.read() == publication("broadcast", EVERYONE)
    # Redis keeps the order on one connection: what bob receives first would have been hers.
    assert second.read() == publication("broadcast", EVERYONE)


@pytest.mark.parametrize("transport", NODE_TRANSPORTS)
def test_sockjs_client_in_node_receives_its_users_messages(
    stack, open_node_tab, alice, bob, transport
):
    first, second = open_node_tab(transport), open_node_tab(transport)
    assert first.transport == transport
    own = f"user:{welcome(first, alice)['user']}"
    welcome(second, bob)
    stack.publish(own)
    stack.publish("broadcast", EVERYONE)
    assert first.read() == publication(own, NEWS)
    assert second.read() == publication("broadcast", EVERYONE)


def test_two_tabs_of_one_login_both_receive(stack, open_tab, alice):
    tabs = [open_tab("rawwebsocket"), open_tab("xhr")]
    own = [f"user:{welcome(tab, alice)['user']}" for tab in tabs]
    stack.publish(own[0])
    assert [tab.read() for tab in tabs] == [publication(own[0], NEWS)] * 2


def test_django_publishes_to_one_user(open_tab, log_in, alice, bob):
    first, second = open_tab("rawwebsocket"), open_tab("rawwebsocket")
    own = f"user:{welcome(first, alice)['user']}"
    welcome(second, bob)
    assert bob.post("/notify/", to="alice", event="hello", title="Hi").status == 200
    announce(log_in("admin"))
    data = {"title": "Hi", "from": "bob"}
    assert first.read() == publication(own, {"event": "hello", "data": data})
    assert second.read()["channel"] == "broadcast"


def test_django_broadcasts_to_everyone(open_tab, log_in, alice, bob):
    tabs = [open_tab("rawwebsocket"), open_tab("xhr_streaming")]
    for tab, visitor in zip(tabs, (alice, bob), strict=True):
        welcome(tab, visitor)
    announce(log_in("admin"))
    data = {"title": "Lunch", "from": "admin"}
    expected = publication("broadcast", {"event": "announcement", "data": data})
    assert [tab.read() for tab in tabs] == [expected] * 2


def test_group_message_reaches_its_members(stack, open_tab, alice, bob):
    first, second = open_tab("rawwebsocket"), open_tab("rawwebsocket")
    assert "group:editors" not in welcome(first, alice)["channels"]
    assert "group:editors" in welcome(second, bob)["channels"]
    stack.publish("group:editors")
    stack.publish("broadcast", EVERYONE)
    assert second.read() == publication("group:editors", NEWS)
    assert first.read() == publication("broadcast", EVERYONE)


def test_invalid_json_arrives_as_a_string(stack, open_tab, alice):
    tab = open_tab("rawwebsocket")
    own = f"user:{welcome(tab, alice)['user']}"
    stack.publish_text(own, "no JSON at all")
    assert tab.read() == publication(own, "no JSON at all")


def announce(admin):
    assert json.loads(admin.post("/announce/", event="announcement", title="Lunch").body)["sent"]
