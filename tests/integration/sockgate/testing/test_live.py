"""Tabs on the real gateway and a real Valkey, by the fixture ``realtime``."""

from threading import current_thread

import pytest
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from sockgate import (
    broadcast,
    is_online,
    publish,
    publish_to,
    refresh_grants,
    revoke_channel,
    touch,
)
from sockgate.client import ConnectionClosed, RequestRejected, State, Unsubscribed
from sockgate.testing.page import NoClient

from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.integration

ROOM = "room:7"
PAGE = "/page/"


@pytest.fixture(autouse=True)
def site(settings):
    settings.ROOT_URLCONF = "tests.integration.sockgate.testing.site_urls"
    settings.SOCKGATE = {
        **settings.SOCKGATE,
        "AUTHORIZE": lambda request, channel: channel.startswith("room:"),
        "NAMESPACES": {"room": {"history": 10, "presence": True, "publish": "subscribers"}},
    }
    return settings


@pytest.fixture
def alice(db) -> User:
    return User.objects.create_user("alice", password="alice-demo")


@pytest.fixture
def bob(db) -> User:
    return User.objects.create_user("bob", password="bob-demo")


def test_tab_receives_what_a_view_publishes(site, realtime, alice, bob):
    tab, other = realtime.tab(alice, PAGE), realtime.tab(bob, PAGE)
    assert tab.user == str(alice.pk)
    tab.client.post("/pay/9/")
    tab.assert_receives("paid", {"order": 9}, within=PATIENCE_S)
    tab.assert_nothing(0.05)
    broadcast("all")
    other.assert_receives("all", channel="broadcast", within=PATIENCE_S)
    assert [message.event for message in other.messages] == ["all"]


def test_tab_receives_the_newest_publications(realtime, alice, bob):
    tab, other = realtime.tab(alice, PAGE), realtime.tab(bob, PAGE)
    for number in range(4):
        publish_to(ROOM, "said", number)
    tab.subscribe(ROOM, recover=2)
    other.subscribe(ROOM)
    assert [tab.assert_receives("said", within=PATIENCE_S).data for _ in range(2)] == [2, 3]
    other.assert_nothing(0.05)


def test_publication_of_a_transaction_waits_for_its_end(realtime, alice):
    tab = realtime.tab(alice, PAGE)
    with transaction.atomic():
        publish(alice, "early")
        tab.assert_nothing(0.05)
    tab.assert_receives("early", within=PATIENCE_S)


def test_subscription_asks_authorize(realtime, alice):
    tab = realtime.tab(alice, PAGE)
    tab.subscribe(ROOM, within=PATIENCE_S)
    publish_to(ROOM, "said", [1, 2])
    tab.assert_receives("said", (1, 2), channel=ROOM, within=PATIENCE_S)
    assert tab.presence(ROOM).users == {str(alice.pk): 1}
    tab.publish(ROOM, "client-said", "hi")
    assert tab.assert_receives("client-said", within=PATIENCE_S).sender == str(alice.pk)
    assert is_online(alice)
    with pytest.raises(RequestRejected, match="orders:9: not allowed"):
        tab.subscribe("orders:9")


def test_tab_holds_the_grants_of_its_page(site, realtime, alice):
    asked = []
    site.SOCKGATE = {**site.SOCKGATE, "AUTHORIZE": lambda _, channel: asked.append(channel) or True}
    tab = realtime.tab(alice, "/live/")
    assert asked == ["room:9"]  # By the page; nobody is asked about those of {% live %}.
    site.SOCKGATE = {**site.SOCKGATE, "AUTHORIZE": lambda *_: False}
    for channel in ("orders", "room:9"):
        tab.subscribe(channel, within=PATIENCE_S)
    refresh_grants([alice])
    tab._wait(lambda: isinstance(tab._channels["room:9"], Unsubscribed), PATIENCE_S)
    touch("orders")
    tab.assert_receives("touch", channel="orders", within=PATIENCE_S)
    with pytest.raises(RequestRejected, match="orders:9: not allowed"):
        tab.subscribe("orders:9")


def test_logout_closes_the_tab(realtime, alice):
    tab = realtime.tab(alice, PAGE)
    tab.logout()
    tab.assert_closed(4500, within=PATIENCE_S)
    with pytest.raises(AssertionError, match="closed with 4500, not 3000"):
        tab.assert_closed(3000)
    with pytest.raises(AssertionError, match="The tab is closed"):
        tab.assert_receives("paid", within=PATIENCE_S)


def test_missed_publications_are_recovered_after_an_outage(realtime, alice):
    tab = realtime.tab(alice, PAGE)
    tab.subscribe(ROOM, within=PATIENCE_S)
    with realtime.outage():
        tab.assert_state(State.WAITING, within=PATIENCE_S)
        publish_to(ROOM, "said", "in the outage")
    tab.assert_receives("said", "in the outage", within=PATIENCE_S)
    assert tab.gaps == []


def test_outage_beyond_the_history_is_a_gap(realtime, alice):
    tab = realtime.tab(alice, PAGE)
    tab.subscribe(ROOM, within=PATIENCE_S)
    with realtime.outage():
        for number in range(20):
            publish_to(ROOM, "said", number)
    tab.assert_gap(ROOM, within=PATIENCE_S)
    publish_to(ROOM, "said", "later")
    tab.assert_receives("said", "later", within=PATIENCE_S)
    assert tab.gaps == [ROOM]


def test_grant_is_requested_again_in_the_thread_of_the_test(site, realtime, alice):
    threads = []

    def authorize(request, channel):
        threads.append(current_thread())
        return True

    site.SOCKGATE = {**site.SOCKGATE, "AUTHORIZE": authorize}
    tab = realtime.tab(alice, PAGE)
    tab.subscribe(ROOM, within=PATIENCE_S)
    refresh_grants([alice])
    tab._wait(lambda: len(threads) == 2, PATIENCE_S)
    publish_to(ROOM, "said", sequenced=True)
    tab.assert_receives("said", within=PATIENCE_S)
    assert threads == [current_thread()] * 2
    assert tab.gaps == []


def test_group_of_the_user_is_received_from_then_on(realtime, alice):
    tab = realtime.tab(alice, PAGE)
    alice.groups.add(Group.objects.create(name="editors"))
    publish(alice, "after")
    tab.assert_receives("after", within=PATIENCE_S)
    tab._wait(lambda: "group:editors" in tab._channels, PATIENCE_S)
    publish_to("group:editors", "news")
    tab.assert_receives("news", within=PATIENCE_S)


def test_revoked_channel_is_left(realtime, alice):
    tab = realtime.tab(alice, PAGE)
    tab.subscribe(ROOM, within=PATIENCE_S)
    revoke_channel(alice, ROOM)
    publish(alice, "after")
    tab.assert_receives("after", within=PATIENCE_S)
    publish_to(ROOM, "said")
    tab.assert_nothing(0.1)


def test_failed_assertion_lists_what_has_arrived(realtime, alice):
    tab = realtime.tab(alice, PAGE)
    publish(alice, "other", {"a": 1})
    tab._wait(lambda: bool(tab.messages), PATIENCE_S)
    with pytest.raises(AssertionError, match=r"unread: user:\d+ other {'a': 1}"):
        tab.assert_receives("paid", {"order": 9}, within=0.01)
    with pytest.raises(AssertionError, match="expected no message"):
        tab.assert_nothing(0)


@pytest.mark.parametrize(
    ("path", "why"), [(PAGE, "has no login"), ("/nowhere/", "HTTP 404"), ("/plain/", "has no {%")]
)
def test_page_that_does_not_connect_says_why(realtime, path, why):
    with pytest.raises(NoClient, match=why):
        realtime.tab(None, path)


def test_visitor_connects_where_that_is_allowed(site, realtime):
    site.SOCKGATE = {**site.SOCKGATE, "ANONYMOUS": True}
    tab = realtime.tab(None, PAGE)
    broadcast("all")
    tab.assert_receives("all", within=PATIENCE_S)
    assert tab.user is None


def test_deleted_session_is_refused(realtime, alice, monkeypatch):
    browser = Client()
    monkeypatch.setattr("sockgate.testing.tab.Page", lambda *args: forget_session(browser, *args))
    with pytest.raises(ConnectionClosed) as closed:
        realtime.tab(alice, PAGE, client=browser)
    assert closed.value.code == 401


def forget_session(browser: Client, *args):
    """Load the page, and end the session before the page connects."""
    from sockgate.testing.page import Page

    page = Page(*args)
    browser.session.delete()
    return page
