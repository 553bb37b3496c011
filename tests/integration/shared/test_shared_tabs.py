"""Tabs that share one connection, in Chromium, and tabs that cannot."""

from random import Random
from threading import Event, Thread

import pytest
from sockgate.publishing.publisher import Publisher
from sockgate_gateway.wire.control import RevokeSession
from sockgate_gateway.wire.names import Names

from tests.integration.shared.tabs import (
    ROOM,
    WITHOUT_LOCKS,
    WITHOUT_WORKER,
    connections,
    opener,
)
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

INTERVAL_S = 0.04


class Numbers:
    """A stream of sequenced publications, each the next number."""

    def __init__(self, publisher: Publisher) -> None:
        self.last = 0
        self._publisher = publisher
        self._stop = Event()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> "Numbers":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def next(self) -> int:
        self.last += 1
        self._publisher.publish_to(ROOM, "n", self.last, sequenced=True)
        return self.last

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            self.next()


def test_ten_tabs_share_one_connection(open_tab, gateway, site, publisher):
    tabs = [open_tab(ROOM).ready() for _ in range(10)]
    assert connections(gateway) == 1
    publisher.publish("7", "news", "to all")
    publisher.publish_to(ROOM, "news", "to the room")
    for tab in tabs:
        tab.wait(message="to all")
        tab.wait(message="to the room")
        assert tab.events("message") == [
            ["message", "user:7", "to all"],
            ["message", ROOM, "to the room"],
        ]
    assert site.tokens_requested == 0


def test_each_tab_receives_its_own_subscriptions_only(open_tab, gateway, publisher):
    one, other = open_tab("room:1", ROOM).ready(), open_tab("room:2", ROOM).ready()
    for channel in ("room:1", "room:2", ROOM):
        publisher.publish_to(channel, "news", channel)
    one.wait(message=ROOM), other.wait(message=ROOM)
    assert [one.messages("room:1"), one.messages("room:2")] == [["room:1"], []]
    assert [other.messages("room:1"), other.messages("room:2")] == [[], ["room:2"]]
    one.page.evaluate("rooms['room:7'].unsubscribe()")
    one.wait(event="unsubscribed")
    publisher.publish_to(ROOM, "news", "again")
    other.wait(message="again")
    assert one.messages(ROOM) == [ROOM]


def test_responses_reach_the_tab_that_has_asked(open_tab):
    one, other = open_tab(ROOM).ready(), open_tab(ROOM).ready()
    ask = "new Promise((r) => rooms['room:7'].presence((refusal, frame) => r(refusal || frame)))"
    for tab in (one, other):
        wait_until(lambda tab=tab: tab.page.evaluate(ask)["users"] == {"7": 1})
    publish = """new Promise((resolve) => rooms["room:7"].publish("client-x", "mine",
      (refusal, frame) => resolve((refusal || frame).type)))"""
    assert one.page.evaluate(publish) == "published"
    other.wait(message="mine")
    elsewhere = "new Promise((r) => rt.presence('room:9', (refusal) => r(refusal.code)))"
    assert other.page.evaluate(elsewhere) == "not_allowed"


def test_late_tab_receives_what_came_since_its_page_and_nothing_older(open_tab, publisher):
    numbers = Numbers(publisher)
    first = open_tab(ROOM).ready()
    for _ in range(5):
        numbers.next()
    first.wait(message=5)
    epoch, _ = publisher.position(ROOM)
    late, rendered = open_tab(ROOM).ready(), open_tab(ROOM, recover=[epoch, 3]).ready()
    numbers.next()
    for tab, received in ((first, [1, 2, 3, 4, 5, 6]), (late, [6]), (rendered, [4, 5, 6])):
        tab.wait(message=6)
        assert tab.messages(ROOM) == received
        assert tab.events("gap") == []


def test_tab_that_was_away_recovers_what_the_others_never_had(open_tab, gateway, publisher):
    away = open_tab(ROOM).ready()
    publisher.publish_to(ROOM, "n", "before", sequenced=True)
    publisher.publish("7", "n", "mine before", sequenced=True)
    away.wait(message="mine before")
    away.page.evaluate("rt.close()")
    wait_until(lambda: connections(gateway) == 0)
    publisher.publish_to(ROOM, "n", "missed", sequenced=True)
    publisher.publish("7", "n", "mine missed", sequenced=True)
    other = open_tab(ROOM).ready()
    away.page.evaluate("rt.connect()")
    away.wait(message="mine missed")
    away.wait(message="missed")
    wait_until(lambda: connections(gateway) == 1)
    publisher.publish_to(ROOM, "n", "after", sequenced=True)
    away.wait(message="after"), other.wait(message="after")
    assert away.messages(ROOM) == ["before", "missed", "after"]
    assert away.messages("user:7") == ["mine before", "mine missed"]
    assert (other.messages(ROOM), other.messages("user:7")) == (["after"], [])
    assert away.events("gap") == other.events("gap") == []


def test_logout_closes_every_tab_with_its_code(open_tab, django):
    tabs = [open_tab(ROOM).ready() for _ in range(3)]
    django.redis.delete(Names().session("sid"))
    django.publish_control(RevokeSession("sid"))
    for tab in tabs:
        tab.wait(state="closed")
        assert tab.events("state")[-1] == ["state", "closed", 4500]


def test_another_users_login_never_shares(open_tab, gateway, django, publisher):
    bobs_token = django.log_in("bob", "8")
    alice, bob = open_tab().ready(), open_tab(token=bobs_token).ready()
    assert connections(gateway) == 2
    for uid in ("7", "8"):
        publisher.publish(uid, "news", uid)
    alice.wait(message="7"), bob.wait(message="8")
    assert alice.events("message") == [["message", "user:7", "7"]]
    assert bob.events("message") == [["message", "user:8", "8"]]
    assert [alice.page.evaluate("rt.user"), bob.page.evaluate("rt.user")] == ["7", "8"]


@pytest.mark.parametrize("script", ["", WITHOUT_LOCKS], ids=["locks", "no-locks"])
@pytest.mark.parametrize("end", ["close", "crash"])
def test_lost_tab_costs_no_sequenced_message_and_no_login(
    context, open_tab, gateway, site, publisher, end, script
):
    context.add_init_script(script or ";")
    lose_tabs(open_tab, gateway, site, publisher, [end] * 3)


@pytest.mark.parametrize(("count", "tabs"), [(1, 2), pytest.param(20, 10, marks=pytest.mark.soak)])
def test_many_lost_tabs(open_tab, gateway, site, publisher, count, tabs):
    random = Random(20)
    ends = ["hang", *random.choices(["close", "crash", "hang"], k=count - 1)]
    lose_tabs(open_tab, gateway, site, publisher, ends, tabs)


def lose_tabs(open_tab, gateway, site, publisher, ends, size=4) -> None:
    """End the oldest tab again and again; its process runs the worker."""
    tabs = [open_tab(ROOM).ready() for _ in range(size)]
    first = [1] * size
    with Numbers(publisher) as numbers:
        for end in ends:
            oldest = tabs.pop(0)
            first.pop(0)
            getattr(oldest, end)()
            first.append(numbers.last)
            tabs.append(open_tab(ROOM).ready())
            for tab in tabs:
                tab.wait(message=numbers.last)
                tab.wait(subscribed=ROOM)
            wait_until(lambda: connections(gateway) >= 1)
    assert gateway.metric('sockgate_gaps_total{cause="history"}') == 0
    last = numbers.next()
    for tab, start in zip(tabs, first, strict=True):
        tab.wait(message=last)
        received = tab.messages(ROOM)
        assert received == list(range(received[0], last + 1))
        assert received[0] == start == 1 or received[0] >= start
        assert tab.events("gap") == []
    assert site.tokens_requested == 0


def test_tab_without_shared_workers_has_its_own_connection(context, site, gateway, django):
    open_tab = opener(context, site, gateway, django, WITHOUT_WORKER)
    assert [open_tab(ROOM).ready().page.evaluate("rt.transport") for _ in range(2)] == [
        "websocket"
    ] * 2
    assert connections(gateway) == 2


def test_script_of_another_origin_means_an_own_connection(context, site, gateway, django):
    open_tab = opener(context, site, gateway, django)
    url = site.origin.replace("127.0.0.1", "localhost") + "/sockgate-shared.js"
    load = "const script = document.createElement('script'); script.src = '/sockgate-shared.js';"
    load += "document.head.append(script);"
    context.add_init_script(f"addEventListener('DOMContentLoaded', () => {{ {load} }})")
    for count in (1, 2):
        open_tab(ROOM, sharedUrl=url).ready()
        assert connections(gateway) == count
