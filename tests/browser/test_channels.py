"""Channels on request in a real browser: grants, recovery, presence."""

import pytest
from playwright.sync_api import Page

from djangoauth.publisher import Publisher

from .windows import PATIENCE_MS, TRANSPORTS

pytestmark = pytest.mark.browser

SUBSCRIBE = """
(given) => {
  const reconnect = {minMs: 400, maxMs: 1000};
  const rt = Sockgate.connect({transports: [given.transport], reconnect: reconnect});
  const room = rt.subscribe(given.channel);
  window.told = [];
  for (const event of ["subscribed", "unsubscribed", "gap", ...given.more]) {
    room.on(event, (channel, frame) => told.push([event, frame.code || frame.user || null]));
  }
  room.on("news", (data) => told.push(["news", data]));
  Object.assign(window, {rt, room});
}
"""


# Within the page, for its policy lets nothing be evaluated there again and again.
WAIT = """
({condition, patience}) => new Promise((resolve) => {
  const deadline = Date.now() + patience;
  const isTrue = {
    told: (count) => told.length >= count,
    state: (state) => rt.state === state,
  };
  (function look() {
    const [[name, wanted]] = Object.entries(condition);
    if (isTrue[name](wanted) || Date.now() > deadline) resolve(rt.state);
    else setTimeout(look, 10);
  })();
})
"""


class Room:
    """A page that has asked for a channel, beside the demo's own connection."""

    def __init__(self, page: Page, channel: str, *more: str, transport: str = "websocket") -> None:
        self._page = page
        page.evaluate(SUBSCRIBE, {"channel": channel, "more": more, "transport": transport})

    def expect(self, *told: list[object]) -> "Room":
        """Wait until the page was told exactly this since it was last asked."""
        self._wait(told=len(told))
        assert self._page.evaluate("told.splice(0)") == [list(one) for one in told]
        return self

    def expect_state(self, state: str) -> None:
        assert self._wait(state=state) == state

    def _wait(self, **condition: object) -> str:
        given = {"condition": condition, "patience": PATIENCE_MS}
        return str(self._page.evaluate(WAIT, given))

    def presence(self) -> dict[str, object]:
        ask = "new Promise((r) => room.presence((refusal, who) => r(refusal || who)))"
        return dict(self._page.evaluate(ask))

    def leave(self) -> None:
        self._page.evaluate("room.unsubscribe()")

    def close(self) -> None:
        self._page.close()


@pytest.fixture(scope="module")
def alice(log_in_once):
    return log_in_once("alice")


@pytest.fixture(scope="module")
def bob(log_in_once):
    return log_in_once("bob")


@pytest.fixture
def publisher(stack):
    with Publisher(stack._redis_url) as publisher:
        yield publisher


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_page_is_given_what_it_missed_while_the_gateway_was_gone(
    stack, alice, publisher, transport
):
    channel = f"room:{transport}"
    page = alice.open(f"/?transport={transport}")  # Whose policy lets that transport run.
    room = Room(page, channel, transport=transport).expect(["subscribed", None])
    publisher.publish_to(channel, "news", 1)
    room.expect(["news", 1])
    stack.gateway.stop()
    room.expect_state("waiting")
    for number in (2, 3):
        publisher.publish_to(channel, "news", number)
    stack.gateway.start()
    room.expect(["subscribed", None], ["news", 2], ["news", 3])
    publisher.publish_to(channel, "news", 4)
    room.expect(["news", 4])
    room.close()


def test_page_is_told_when_what_it_missed_is_gone(stack, alice, publisher):
    room = Room(alice.open(), "room:gone").expect(["subscribed", None])
    publisher.publish_to("room:gone", "news", 1)
    room.expect(["news", 1])
    stack.gateway.kill()
    room.expect_state("waiting")
    for number in range(150):
        publisher.publish_to("room:gone", "news", number)
    stack.gateway.start()
    room.expect(["subscribed", None], ["gap", None])
    room.close()


def test_page_sees_who_comes_and_goes(alice, bob):
    hers = Room(alice.open(), "room:7", "join", "leave")
    hers.expect(["subscribed", None], ["join", "1"])
    his = Room(bob.open(), "room:7")
    hers.expect(["join", "2"])
    assert hers.presence()["users"] == {"1": 1, "2": 1}
    his.leave()
    hers.expect(["leave", "2"])
    assert hers.presence()["users"] == {"1": 1}
    for room in (hers, his):
        room.close()


def test_page_is_refused_what_django_refuses(alice):
    room = Room(alice.open(), "room:staff").expect(["unsubscribed", "not_allowed"])
    room.close()
