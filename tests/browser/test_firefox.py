"""Firefox: the transports, recovery, a logout and shared tabs."""

import json
from collections.abc import Iterator

import pytest
from sockgate.publishing.publisher import Publisher

from tests.firefox import Firefox, Tab, program, running_firefox
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.soak,
    pytest.mark.skipif(not program(), reason="Firefox is not installed"),
]

DEATHS = 40
TRANSPORTS = ("websocket", "xhr-streaming", "xhr-polling")

CONNECT = """
(() => {
  const given = %s;
  const rt = window.rt = Sockgate.connect(given.options);
  window.received = [];
  window.states = [];
  rt.on("state", (state, detail) => states.push([state, detail.code || 0]));
  window.room = rt.subscribe(given.channel)
    .on("news", (data) => received.push(data))
    .on("gap", () => received.push("gap"));
})()
"""


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with running_firefox(tmp_path_factory.mktemp("firefox")) as firefox:
        yield firefox


@pytest.fixture
def open_page(stack, firefox):
    """Open a page of alice, who logs in first where needed."""
    tabs: list[Tab] = []

    def open_page(path: str = "/") -> Tab:
        tab = firefox.open(f"{stack.origin}{path}")
        tabs.append(tab)
        if tab.evaluate('!!document.querySelector("#id_username")'):
            tab.evaluate(
                'document.querySelector("#id_username").value = "alice",'
                'document.querySelector("#id_password").value = "alice-demo",'
                'document.querySelector("#login button").click()'
            )
            wait_until(lambda: tab.evaluate('(document.querySelector("#who") || {}).innerText'))
            tab.go(f"{stack.origin}{path}")
        return tab

    yield open_page
    for tab in tabs:
        tab.close()


def connect(tab: Tab, channel: str, **options: object) -> Tab:
    given = {"options": options, "channel": channel}
    tab.evaluate(CONNECT % json.dumps(given))
    wait_until(lambda: tab.evaluate("rt.state") == "connected")
    wait_until(lambda: tab.evaluate("room.state") == "subscribed")
    return tab


def received(tab: Tab, count: int) -> list[object]:
    """Wait until the page has received so many, and return all."""
    wait_until(lambda: len(tab.evaluate("received")) >= count)
    return tab.evaluate("received")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_transport_delivers(stack, open_page, transport):
    tab = open_page(f"/?transport={transport}")
    shown = 'document.querySelector("#state-text").innerText'
    wait_until(lambda: tab.evaluate(shown) == f"connected · {transport}")
    stack.publish("user:1")
    texts = 'Array.from(document.querySelectorAll("#messages .text"), (e) => e.innerText)'
    wait_until(lambda: tab.evaluate(texts) == ["Djangocon 2012"])


def test_page_recovers_from_each_death_of_the_gateway(stack, open_page):
    tab = connect(open_page(), "room:deaths", reconnect={"minMs": 20, "maxMs": 400})
    with Publisher(stack._redis_url) as publisher:
        for number in range(DEATHS):
            stack.gateway.kill()
            publisher.publish_to("room:deaths", "news", number)
            stack.gateway.start()
        assert received(tab, DEATHS) == list(range(DEATHS))


def test_tabs_share_a_connection_until_logout(stack, open_page):
    channel = "room:shared"
    tabs = [connect(open_page(), channel, shared=True) for _ in range(3)]
    assert len({tab.evaluate("rt.connection") for tab in tabs}) == 1
    with Publisher(stack._redis_url) as publisher:
        publisher.publish_to(channel, "news", "to all")
    assert [received(tab, 1) for tab in tabs] == [["to all"]] * 3
    tabs[0].evaluate(
        "Array.from(document.querySelectorAll('button'))"
        ".find((button) => button.innerText.includes('Log out')).click()"
    )
    for tab in tabs[1:]:
        wait_until(lambda tab=tab: tab.evaluate("states")[-1][0] == "closed")
