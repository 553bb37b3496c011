"""Pages in Chromium behind proxies that block WebSockets, or answer 101 and stay mute."""

import json
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.integration.blockingproxy import BlockingProxy
from tests.integration.gatewayprocess import Django, Gateway
from tests.integration.shared.tabs import SharedSite
from tests.ports import HOST, free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

OPEN = """
(given) => {
  const rt = window.rt = Sockgate.connect({
    url: given.url, tokenUrl: "/token", token: given.token, expiresIn: 3600, grantUrl: null,
    sharedUrl: "/sockgate-shared.js", sockjsUrl: "/sockgate-sockjs.js", ...given.options,
  });
  window.numbers = [], window.gaps = 0, window.states = [];
  rt.on("state", (state) => states.push([state, rt.transport, rt.connection]));
  rt.on("gap", () => gaps++);
  const room = window.room = rt.subscribe("room:7", {grant: null});
  room.on("message", (number) => numbers.push(number));
  return new Promise((resolve) => room.on("subscribed", () => resolve(rt.transport)));
}
"""


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def gateway(redis_server, port, tmp_path_factory) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    namespaces = json.dumps({"room": {"public": True, "presence": True, "history": 5000}})
    options = {"origins": f"http://{HOST}:{port}", "namespaces": namespaces}
    gateway = Gateway(redis_server.connection_url, log, **options).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def site(django, port) -> Iterator[SharedSite]:
    site = SharedSite(port, lambda: django.token("sid"))
    yield site
    site.stop()


@pytest.fixture
def proxy(gateway) -> Iterator[BlockingProxy]:
    proxy = BlockingProxy(gateway.port)
    yield proxy
    proxy.stop()


@pytest.fixture
def open_page(context: BrowserContext, site, proxy, django, port):
    def open_page(**options: Any) -> Page:
        page = context.new_page()
        page.goto(f"http://{HOST}:{port}/")
        url = f"http://{HOST}:{proxy.port}/realtime"
        given = {"url": url, "token": django.log_in("sid"), "options": options}
        page.evaluate(OPEN, given)
        return page

    return open_page


class Publishing:
    """Numbers on a channel, published from a thread until the end of the block."""

    def __init__(self, django: Django) -> None:
        self._django = django
        self._is_over = Event()
        self._thread = Thread(target=self._run)
        self.count = 0

    def __enter__(self) -> "Publishing":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(0.002):
            self._django.publish("room:7", self.count)
            self.count += 1


def transport_of(page: Page) -> str:
    return str(page.evaluate("rt.transport"))


def check_numbers(pages: list[Page], publishing: Publishing) -> None:
    for page in pages:
        page.wait_for_function("(last) => numbers.includes(last)", arg=publishing.count - 1)
        numbers, gaps = page.evaluate("[numbers, gaps]")
        assert numbers == list(range(numbers[0], publishing.count))
        assert gaps == 0


@pytest.mark.parametrize("upgrades", ["swallow", "refuse", "mute"])
@pytest.mark.parametrize("options", [{}, {"shared": True}], ids=["alone", "shared"])
def test_page_moves_to_a_websocket_and_loses_nothing(
    gateway, django, proxy, open_page, upgrades, options
):
    proxy.upgrades = upgrades
    pages = [open_page(upgradeAfterMs=200, **options) for _ in range(2)]
    assert {transport_of(page) for page in pages} == {"xhr-polling"}
    before = [page.evaluate("rt.connection") for page in pages]
    with Publishing(django) as publishing:
        wait_until(lambda: all(page.evaluate("numbers.length") for page in pages))
        proxy.upgrades = "pass"
        wait_until(lambda: {transport_of(page) for page in pages} == {"websocket"})
        more = publishing.count + 100
        wait_until(lambda: publishing.count > more)
    check_numbers(pages, publishing)
    assert [page.evaluate("rt.connection") for page in pages] == before
    states = [state for state, *_ in pages[0].evaluate("states")]
    assert states[-2:] == ["connected", "connected"]
    assert pages[0].evaluate("new Promise((r) => room.presence((_, f) => r(f.users)))") == {
        "7": 1 if options else 2
    }
    assert pages[0].evaluate('localStorage.getItem("sockgate-way")') is None


@pytest.mark.parametrize("options", [{}, {"shared": True}], ids=["alone", "shared"])
def test_pages_behind_a_mute_proxy_begin_with_what_has_worked(proxy, open_page, options):
    proxy.upgrades = "mute"
    first = open_page(**options)
    assert transport_of(first) == "xhr-polling"
    first.close()
    proxy.paths.clear()
    again = open_page(**options)
    assert transport_of(again) == "xhr-polling"
    assert not [path for path in proxy.paths if path.endswith("websocket")]
