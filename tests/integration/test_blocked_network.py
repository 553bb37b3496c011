"""Pages in networks that let neither WebSockets nor streams through."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.integration.blockingproxy import BlockingProxy
from tests.integration.gatewayprocess import Gateway

pytestmark = pytest.mark.integration

DIST = Path(__file__).parents[2] / "clientjs" / "dist"
LIBRARY = DIST / "sockgate.js"
SOCKJS = DIST / "sockgate-sockjs.js"
SITE = "http://friend.example"
POLICY = "default-src 'none'; script-src 'nonce-abc'; connect-src http: ws:"
"""Only scripts with the nonce may run, so the client must pass it on to the script of SockJS."""

CONNECT = """
(given) => new Promise((resolve) => {
  const rt = Sockgate.connect({
    url: given.url,
    getToken: (answer) => answer(null, given.token),
    ...given.options,
  });
  window.rt = rt;
  window.states = [];
  rt.on("state", (state, detail) => {
    states.push(state);
    const isOver = state === "connected" || state === "waiting";
    if (isOver) resolve([state, rt.transport, rt.rtt !== null]);
  });
})
"""


@pytest.fixture(scope="module")
def gateway(redis_server, tmp_path_factory) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    namespaces = json.dumps({"news": {"public": True}})
    options = {"origins": SITE, "namespaces": namespaces}
    gateway = Gateway(redis_server.connection_url, log, **options).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def proxy(gateway) -> Iterator[BlockingProxy]:
    proxy = BlockingProxy(gateway.port)
    yield proxy
    proxy.stop()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    body = f"<!DOCTYPE html><html><head><script nonce=abc>{LIBRARY.read_text()}</script></head>"
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY}
    context.route(f"{SITE}/**", lambda route: route.fulfill(body=body, headers=headers))
    page = context.new_page()
    page.goto(SITE)
    return page


def connect(page: Page, port: int, token: str, **options: Any) -> list[Any]:
    url = f"http://127.0.0.1:{port}/realtime"
    return list(page.evaluate(CONNECT, {"url": url, "token": token, "options": options}))


def transports(paths: list[str]) -> list[str]:
    names = [path.rpartition("/")[2] for path in paths]
    return [name for name in names if name in ("websocket", "xhr_streaming", "xhr")]


def test_page_polls_where_nothing_else_passes_and_does_so_at_once_next_time(
    gateway, django, proxy, page
):
    token = django.log_in("sid")
    assert connect(page, proxy.port, token) == ["connected", "xhr-polling", True]
    assert transports(proxy.paths)[:2] == ["websocket", "xhr_streaming"]
    proxy.paths.clear()
    page.reload()
    assert connect(page, proxy.port, token) == ["connected", "xhr-polling", True]
    assert set(transports(proxy.paths)) == {"xhr"}


def test_page_connects_by_websocket_without_the_script_of_sockjs(gateway, django, page):
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    assert connect(page, gateway.port, django.log_in("sid")) == ["connected", "websocket", True]
    assert not [url for url in requested if "sockjs" in url]
    assert page.evaluate("typeof SockgateSockJS") == "undefined"


@pytest.mark.parametrize("transport", ["websocket", "xhr-streaming", "xhr-polling"])
def test_sockjs_alone_connects_by_each_transport(gateway, django, page, transport):
    options = {"transport": "sockjs", "transports": [transport]}
    answer = connect(page, gateway.port, django.log_in("sid"), **options)
    assert answer == ["connected", transport, True]


@pytest.mark.parametrize("transport", ["websocket", "xhr-streaming", "eventsource", "xhr-polling"])
def test_smaller_script_of_sockjs_connects_by_each_of_its_transports(
    gateway, django, page, transport
):
    page.route(f"{SITE}/{SOCKJS.name}", lambda route: route.fulfill(path=SOCKJS))
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    options = {"transport": "sockjs", "transports": [transport], "sockjsUrl": f"/{SOCKJS.name}"}
    answer = connect(page, gateway.port, django.log_in("sid"), **options)
    assert answer == ["connected", transport, True]
    assert not [url for url in requested if url.endswith("/sockjs.js")]


def test_websocket_alone_never_loads_sockjs(gateway, django, proxy, page):
    token = django.log_in("sid")
    assert connect(page, gateway.port, token, transport="websocket")[0] == "connected"
    proxy.paths.clear()
    page.evaluate("rt.close()")
    given = {"transport": "websocket", "transports": ["xhr-polling"]}
    assert connect(page, proxy.port, token, **given) == ["waiting", "", False]
    assert proxy.paths == []
