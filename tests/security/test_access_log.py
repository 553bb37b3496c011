"""An attacker reads the access log of a proxy: the URLs of live SockJS sessions."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    BrowserContext,
    Page,
    Request,
    Response,
    Route,
)

from tests.integration.gatewayprocess import NAMES, Gateway
from tests.integration.sockjs.browser import Wire

pytestmark = pytest.mark.e2e

LIBRARY = Path(__file__).parents[2] / "clientjs" / "dist" / "sockgate.js"
PAGE = "http://friend.example"
CHANNEL = "chat:7"
NAMESPACES = {"chat": {"public": True, "publish": "subscribers"}}
TRANSPORTS = (
    "xhr-streaming",
    "xhr-polling",
    "eventsource",
    "iframe-eventsource",
    "iframe-htmlfile",
    "iframe-xhr-polling",
    "jsonp-polling",
)
SOURCES = ("127.0.0.1", "127.0.0.2")
"""The address of the page's user, and another."""

SLASHES_OF_A_SESSION = 3
RESPONSE_LIMIT = 4096
LONG = "x" * 3000
"""Two of them end a stream, so that the client asks for the next one."""

PATIENCE_MS = 30_000
ATTACK_LIMIT_S = 10
"""The page's request waits for an attack. After 35 s of silence the page opens another session."""

CONNECT = """
(given) => {
  const rt = Sockgate.connect({
    url: given.url,
    getToken: (answer) => answer(null, given.token),
    transports: [given.transport],
  });
  window.received = [];
  window.states = [];
  rt.on("state", (state, detail) => states.push([state, detail.code || detail.transport || null]));
  rt.on("*", (data, message) => received.push([message.event, data.number]));
  window.room = rt.subscribe("chat:7", {grant: null});
  return new Promise((resolve) => {
    room.on("subscribed", () => resolve());
    setTimeout(resolve, given.patience);  // Only ends a test that hangs.
  });
}
"""
WAIT = """
({count, patience}) => new Promise((resolve) => {
  const deadline = Date.now() + patience;
  (function look() {
    if (received.length >= count || Date.now() > deadline) resolve([received, states]);
    else setTimeout(look, 5);  // Poll: an array sets no event.
  })();
})
"""
BAD_SENDS = [
    {"type": "publish", "channel": CHANNEL, "event": "client-said", "data": {"number": -1}},
    {"type": "unsubscribe", "channel": CHANNEL},
    {"type": "connect", "token": "forged", "secret": "a" * 24},
    {"type": "refresh", "token": "forged", "secret": None},
    {"type": "ping", "secret": 5},
]
BAD_BODIES = [
    *(json.dumps([json.dumps(frame)]) for frame in BAD_SENDS),
    "[]",
    "[1]",
    "{}",
    "[",
    "",
    json.dumps(["no frame"]),
    json.dumps(["x" * 70_000]),
    json.dumps([json.dumps(BAD_SENDS[0])] * 200),
]


class LogReader:
    """An attacker with the log, who sends all requests that it makes possible."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.log: list[tuple[str, str]] = []
        self.request_count = 0
        self.successes: list[tuple[str, str, str, int]] = []
        self._session = ""
        self._deadline = 0.0

    def names_session_of(self, url: str) -> bool:
        """Return whether the log names the session of a URL."""
        return bool(self._session) and url.startswith(self._session + "/")

    def read(self, method: str, url: str) -> None:
        """Read one more line of the log; a session that a page has given up is of no interest."""
        session = url.partition("?")[0].rpartition("/")[0]
        if session.count("/") != SLASHES_OF_A_SESSION:
            return
        if session != self._session:
            self._session = session
            self.log.clear()
        self.log.append((method, url))

    def attack(self) -> None:
        """Repeat everything in the log, and try all else on the session that it names."""
        self._deadline = monotonic() + ATTACK_LIMIT_S
        for source in SOURCES if self.log else ():
            for method, url in self.log:
                self._expect_refusal(source, method, url)
            self._receive(source, self._session)
            self._send(source, self._session)

    def _receive(self, source: str, session: str) -> None:
        for name in ("xhr", "xhr_streaming"):
            for body in ("", "a" * 24, "null"):
                self._expect_refusal(source, "POST", f"{session}/{name}", body)
        for ticket in ("", "0-", "1-", "2-", "9999999999-"):
            query = f"?c=a&ticket={ticket}{'0' * 32}"
            for name in ("eventsource", "htmlfile", "jsonp"):
                self._expect_refusal(source, "GET", f"{session}/{name}{query}")

    def _send(self, source: str, session: str) -> None:
        for name in ("xhr_send", "jsonp_send"):
            for body in BAD_BODIES:
                self._expect_refusal(source, "POST", f"{session}/{name}", body)

    def _expect_refusal(self, source: str, method: str, url: str, body: str = "") -> None:
        if monotonic() > self._deadline:
            return
        self.request_count += 1
        with Wire(self._port, source=source) as wire:
            headers = {"Origin": PAGE, "Content-Type": "text/plain", "Connection": "close"}
            wire.ask(method, url, headers, body.encode())
            status = wire.read_head().status
        # An exception would be lost within Playwright's handler, and the page's request with it.
        is_send = url.partition("?")[0].endswith("_send")
        if status != 403 and not (status == 500 and is_send):
            self.successes.append((method, url, body[:50], status))


@pytest.fixture(scope="module")
def gateway(redis_server, tmp_path_factory) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    options = {
        "namespaces": json.dumps(NAMESPACES),
        "origins": PAGE,
        "response_limit": RESPONSE_LIMIT,
        # A request of the page waits while the attacker sends requests.
        "disconnect_delay": 60,
        "connect_timeout": 60,
    }
    gateway = Gateway(redis_server.connection_url, log, **options).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def attacker(gateway) -> LogReader:
    return LogReader(gateway.port)


def path_of(request: Request) -> str:
    parts = urlsplit(request.url)
    return f"{parts.path}?{parts.query}".rstrip("?")


def open_page(
    context: BrowserContext,
    on_request: Callable[[Route], None],
    on_response: Callable[[Response], None],
) -> Page:
    body = f"<!DOCTYPE html><body><script>{LIBRARY.read_text()}</script>"
    context.route(f"{PAGE}/**", lambda route: route.fulfill(body=body, content_type="text/html"))
    context.route("**/realtime/*/*/**", on_request)
    page = context.new_page()
    page.goto(PAGE)
    page.on("response", on_response)
    return page


def wait(page: Page, count: int) -> tuple[list, list]:
    received, states = page.evaluate(WAIT, {"count": count, "patience": PATIENCE_MS})
    return received, states


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_logged_urls_give_no_access_and_the_page_continues(
    gateway, django, context, attacker, transport
):
    """The attacker sends requests before each request of the page, and while one waits."""

    def attack_first(route: Route) -> None:
        path = path_of(route.request)
        if attacker.names_session_of(path):
            attacker.attack()
        route.continue_()

    def log(response: Response) -> None:
        attacker.read(response.request.method, path_of(response.request))

    page = open_page(context, attack_first, log)
    url = f"http://127.0.0.1:{gateway.port}/realtime"
    given = {"url": url, "token": django.log_in("sid"), "transport": transport}
    page.evaluate(CONNECT, {**given, "patience": PATIENCE_MS})
    expected = []
    for number in range(3):
        payload = {"event": "said", "data": {"number": number, "long": LONG}}
        django.redis.publish(NAMES.channel(CHANNEL), json.dumps(payload))
        expected.append(["said", number])
        assert wait(page, len(expected))[0] == expected, (attacker.successes, wait(page, 0))
        attacker.attack()
        page.evaluate("(number) => room.publish('client-said', {number})", number)
        expected.append(["client-said", number])
        assert wait(page, len(expected))[0] == expected, (attacker.successes, wait(page, 0))
    assert attacker.successes == []
    assert attacker.request_count > 200
    received, states = wait(page, 0)
    assert received == expected
    connected = states.index(["connected", transport])
    assert states[connected + 1 :] == []
