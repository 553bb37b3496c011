"""Every text arrives as it was sent, in sockjs-client as its authors publish it, and in ours."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page
from redis import Redis

from tests.e2e.nodetab import TRANSPORTS as NODE_TRANSPORTS
from tests.e2e.nodetab import NodeTab
from tests.integration.gatewayprocess import NAMES, Gateway

pytestmark = pytest.mark.integration

CLIENT = Path(__file__).parents[2] / "clientjs"
LIBRARIES = {
    "plain": CLIENT / "node_modules" / "sockjs-client" / "dist" / "sockjs.min.js",
    "ours": CLIENT / "dist" / "sockjs.js",
}
BROWSER_TRANSPORTS = (
    "websocket",
    "xhr-streaming",
    "xhr-polling",
    "eventsource",
    "iframe-eventsource",
    "iframe-htmlfile",
    "iframe-xhr-polling",
    "jsonp-polling",
)
PAGE = "http://friend.example"
"""Not HTTPS: from there Chromium sends no form to a gateway without TLS, as JSONP does."""

CHANNEL = "chat:7"
NAMESPACES = {"chat": {"public": True, "publish": "subscribers"}}
UNITS_IN_A_TEXT = 4096
PATIENCE_MS = 120_000
LIFE_S = 1000
"""The session outlives every test, also on a loaded machine."""

FORGED = "".join(
    (
        "x%5C%22%7D%22,%22{%5C%22channel%5C%22:%5C%22broadcast%5C%22,%5C%22data%5C%22:1}",
        "%22,%22{%5C%22channel%5C%22:%5C%22chat:7%5C%22,%5C%22data%5C%22:%5C%22",
    )
)
"""Decoded as a URI within its SockJS frame, this is three messages, one of them a broadcast."""

TEXTS = [
    *("50% off", "%0A", "%22", "%E0%A4", "%", "%%", "%25", "%2522", "%5C%22", "100%25%", FORGED),
    *("\u2028\u2029", "\r\n\r\ndata: x", "</script>", "<!--", "\0", "\ufeff", "😀", "a+b&d=c;e"),
    # A text cannot end between the halves of a pair, but it may hold half of one.
    *("".join(map(chr, range(n, n + UNITS_IN_A_TEXT))) for n in range(0, 2**16, UNITS_IN_A_TEXT)),
]

# The page sends each text when the one before has come back: all in one request exceed its limit.
# Any frame that is not expected ends the test and is shown, and so does the end of the patience.
ECHO_TEXTS = """
({url, token, transport, channel, texts, patienceMs}) => new Promise((resolve) => {
  const socket = new SockJS(url, null, {transports: [transport], timeout: 10000});
  const left = JSON.parse(texts), given = [], count = 2 * left.length, expected = [
    "connected", "subscribed", "published"
  ];
  const fail = (cause) => resolve({cause, unsent: left.length, missing: count - given.length});
  setTimeout(() => fail("too late"), patienceMs);  // Only ends a test that hangs.
  const send = (frame) => socket.send(JSON.stringify(frame));
  const sendNext = () => {
    if (left.length) send({type: "publish", channel, event: "client-said", data: left.shift()});
  };
  const finish = () => resolve({transport: socket.transport, received: JSON.stringify(given)});
  socket.onopen = () => send({type: "connect", token});
  socket.onclose = ({code, reason}) => fail(`closed with ${code} ${reason}`);
  socket.onmessage = ({data}) => {
    const frame = JSON.parse(data);
    if (frame.type === "connected") send({type: "subscribe", channel});
    if (frame.type === "subscribed") subscribed().then(sendNext, (error) => fail(String(error)));
    if (frame.type && !expected.includes(frame.type)) fail(data);
    if (frame.type) return;
    given.push([frame.channel, frame.data]);
    if (frame.data.event === "client-said") sendNext();
    if (given.length === count) setTimeout(finish, 50);  // Duplicates would follow.
  };
})
"""


@pytest.fixture(scope="module")
def gateway(redis_server, tmp_path_factory) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    namespaces = json.dumps(NAMESPACES)
    # One user publishes all texts of all tests, on a fast machine more than a user usually may.
    limits = {"max_frames_per_second": 10_000}
    gateway = Gateway(
        redis_server.connection_url, log, namespaces=namespaces, origins=PAGE, **limits
    ).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def open_node_tab(gateway) -> Iterator[Callable[[str], NodeTab]]:
    tabs: list[NodeTab] = []

    def open_tab(transport: str) -> NodeTab:
        tabs.append(NodeTab(f"http://127.0.0.1:{gateway.port}/realtime", transport))
        tabs[-1].open()
        return tabs[-1]

    yield open_tab
    for tab in tabs:
        tab.close()


def open_page(context: BrowserContext, library: str) -> Page:
    """Open a page of a friendly origin with a library."""
    body = f"<!DOCTYPE html><body><script>{LIBRARIES[library].read_text()}</script>"
    context.route(f"{PAGE}/**", lambda route: route.fulfill(body=body, content_type="text/html"))
    page = context.new_page()
    page.goto(PAGE)
    return page


def publish_all(redis: Redis) -> None:
    """Publish as another program would: with nothing escaped that need not be."""
    for text in TEXTS:
        is_text = not any("\ud800" <= unit <= "\udfff" for unit in text)
        payload = json.dumps({"event": "said", "data": text}, ensure_ascii=not is_text)
        redis.publish(NAMES.channel(CHANNEL), payload)


def expect_every_text(publications: list[tuple[str, dict]]) -> None:
    """Expect each text once from Redis and once from the client itself, in order."""
    assert {channel for channel, _ in publications} == {CHANNEL}
    for event in ("said", "client-said"):
        texts = [data["data"] for _, data in publications if data["event"] == event]
        # Python reads two halves that meet as one character; escaped, both are the same.
        assert json.dumps(texts) == json.dumps(TEXTS)


@pytest.mark.parametrize("transport", BROWSER_TRANSPORTS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_every_text_reaches_a_page_unchanged(gateway, django, context, library, transport):
    page = open_page(context, library)
    page.expose_function("subscribed", lambda: publish_all(django.redis))
    given = {
        "url": f"http://127.0.0.1:{gateway.port}/realtime",
        "token": django.log_in("sid", ttl_s=LIFE_S),
        "transport": transport,
        "channel": CHANNEL,
        "texts": json.dumps(TEXTS),  # What Playwright carries itself may hold no lone surrogate.
        "patienceMs": PATIENCE_MS,
    }
    result = page.evaluate(ECHO_TEXTS, given)
    assert result.get("transport") == transport, (result, gateway.log.read_text()[-4000:])
    expect_every_text(json.loads(result["received"]))


@pytest.mark.parametrize("transport", NODE_TRANSPORTS)
def test_every_text_reaches_node_unchanged(django, open_node_tab, transport):
    tab = open_node_tab(transport)
    tab.show(django.log_in("sid", ttl_s=LIFE_S))
    tab.send(json.dumps({"type": "subscribe", "channel": CHANNEL}))
    assert tab.read()["type"] == "subscribed"
    publish_all(django.redis)
    given = read_publications(tab, len(TEXTS))
    for text in TEXTS:  # One after the other: together they exceed the limit of a request.
        frame = {"type": "publish", "channel": CHANNEL, "event": "client-said", "data": text}
        tab.send(json.dumps(frame))
        given += read_publications(tab, 1)
    expect_every_text(given)


def read_publications(tab: NodeTab, count: int) -> list[tuple[str, dict]]:
    given: list[tuple[str, dict]] = []
    while len(given) < count:
        frame = tab.read()
        assert isinstance(frame, dict), frame
        if "type" not in frame:
            given.append((frame["channel"], frame["data"]))
    return given
