"""Pages that show a loaded state are right after every loss: in Chromium, on the real gateway."""

from collections.abc import Iterator
from threading import Lock

import pytest
from playwright.sync_api import BrowserContext
from sockgate.publishing.publisher import Publisher

from tests.integration.gatewayprocess import Django, Gateway
from tests.integration.shared.tabs import SharedSite, SharedTab
from tests.ports import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

ROOM = "room:7"
HISTORY = 5
LOAD = """
({channel, jitterMs}) => {
  const room = rooms[channel];
  window.list = null;
  window.errors = 0;
  room.on("n", (number) => list.push(number));
  room.on("error", () => errors++);
  const load = ({signal}) => fetch("/state", {signal}).then((answer) => {
    if (!answer.ok) throw new Error("HTTP " + answer.status);
    return answer.json();
  });
  const show = ({numbers}) => { window.list = numbers; };
  SockgateState.loadState(room, load, show, {jitterMs, positionOf: ({position}) => position});
}
"""


class Numbers:
    """The numbers of a channel, and their state, which is read as one with its position."""

    def __init__(self, publisher: Publisher) -> None:
        self.published: list[int] = []
        self.is_down = False
        self._publisher = publisher
        self._lock = Lock()

    def publish(self, count: int = 1) -> None:
        for _ in range(count):
            with self._lock:
                self.published.append(len(self.published))
                self._publisher.publish_to(ROOM, "n", self.published[-1])

    def state(self) -> dict[str, object]:
        with self._lock:
            if self.is_down:
                raise OSError
            return {"numbers": self.published, "position": self._publisher.position(ROOM)}


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def gateway(redis_server, django: Django, port, tmp_path) -> Iterator[Gateway]:
    django.write_namespaces({"room": {"public": True, "history": HISTORY}})
    options = {"origins": f"http://127.0.0.1:{port}", "drain_timeout": 1}
    gateway = Gateway(redis_server.connection_url, tmp_path / "log", **options).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def numbers(redis_server, gateway) -> Iterator[Numbers]:
    with Publisher(redis_server.connection_url) as publisher:
        yield Numbers(publisher)


@pytest.fixture
def site(django: Django, port, numbers) -> Iterator[SharedSite]:
    site = SharedSite(port, lambda: django.token("sid"), numbers.state)
    yield site
    site.stop()


def open_page(context, site, gateway, token, *, shared: bool, jitter_ms: int = 200) -> SharedTab:
    tab = SharedTab(context, site, gateway, token, ROOM, shared=shared)
    tab.page.add_script_tag(url="/sockgate-state.js")
    tab.page.evaluate(LOAD, {"channel": ROOM, "jitterMs": jitter_ms})
    return tab.ready()


def expect_all(numbers: Numbers, *tabs: SharedTab) -> None:
    for tab in tabs:
        wait_until(lambda tab=tab: tab.page.evaluate("list") == numbers.published)


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "shared"])
def test_pages_are_right_after_losses(
    context: BrowserContext, site, gateway, django, numbers, shared
):
    token = django.log_in("sid", ttl_s=3000)
    numbers.publish(3)
    tabs = [open_page(context, site, gateway, token, shared=shared) for _ in range(3)]
    expect_all(numbers, *tabs)
    numbers.publish(20)
    expect_all(numbers, *tabs)
    assert site.states_requested == len(tabs)
    for missed in (HISTORY - 1, 3 * HISTORY):
        gateway.stop()
        numbers.publish(missed)
        gateway.start()
        numbers.publish()
        expect_all(numbers, *tabs)
        numbers.publish(4)
        expect_all(numbers, *tabs)
    # A short loss is recovered. A long one is a gap, and each page loads once more.
    assert site.states_requested == 2 * len(tabs)
    assert all(tab.events("gap") == [["gap", ROOM, None]] for tab in tabs)


def test_page_is_right_when_the_site_comes_back(context, site, gateway, django, numbers):
    token = django.log_in("sid", ttl_s=3000)
    numbers.publish(3)
    numbers.is_down = True
    tab = open_page(context, site, gateway, token, shared=False)
    wait_until(lambda: tab.page.evaluate("errors") > 0)
    numbers.publish(3)
    assert tab.page.evaluate("list") is None
    numbers.is_down = False
    expect_all(numbers, tab)
    numbers.publish()
    expect_all(numbers, tab)


def test_pages_load_at_different_moments_after_a_gap(context, site, gateway, django, numbers):
    token = django.log_in("sid", ttl_s=3000)
    tabs = [
        open_page(context, site, gateway, token, shared=False, jitter_ms=3000) for _ in range(4)
    ]
    expect_all(numbers, *tabs)
    before = site.states_requested
    gateway.stop()
    numbers.publish(3 * HISTORY)
    gateway.start()
    for tab in tabs:
        tab.wait(event="gap")
    assert site.states_requested < before + len(tabs), "all have loaded in one moment"
    expect_all(numbers, *tabs)
    assert site.states_requested == before + len(tabs)
