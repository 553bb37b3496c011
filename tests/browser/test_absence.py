"""A page that was away for a while receives every publication of that time."""

import json
import time
from collections.abc import Iterator

import pytest
from sockgate.publishing.publisher import Publisher

from tests.browser.room import SUBSCRIBE, Room
from tests.browser.windows import Profile
from tests.chromium import asleep
from tests.devtools import DevTools, run_chromium_alone
from tests.e2e.stack import Stack
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

PUBLICATIONS = 30
ALL = [["news", number] for number in range(PUBLICATIONS)]
SLEEP_S = 3
BY_TRANSPORT = pytest.mark.parametrize("transport", ["websocket", "xhr-streaming", "xhr-polling"])

LOG_IN = """
document.querySelector("#id_username").value = "alice";
document.querySelector("#id_password").value = "alice-demo";
document.querySelector("#login button").click();
"""
NOTE_EVENTS = """
window.noted = [];
for (const name of ["offline", "online"]) addEventListener(name, () => noted.push(name));
for (const name of ["freeze", "resume"]) document.addEventListener(name, () => noted.push(name));
"""


@pytest.fixture(scope="module")
def alice(log_in_once) -> Profile:
    return log_in_once("alice")


@BY_TRANSPORT
def test_page_that_was_offline_receives_every_publication(stack, alice, transport):
    channel = f"room:offline-{transport}"
    page = alice.open(f"/?transport={transport}")
    page.evaluate(NOTE_EVENTS)
    room = Room(page, channel, transport=transport).expect(["subscribed", None])
    page.context.set_offline(True)
    try:
        publish(stack, channel)
    finally:
        page.context.set_offline(False)
    room.expect(["subscribed", None], *ALL)
    assert page.evaluate("noted") == ["offline", "online"]
    room.close()


@BY_TRANSPORT
def test_page_of_a_computer_that_slept_receives_every_publication(
    stack, alice, chromium, transport
):
    """All processes of the browser stand still meanwhile."""
    channel = f"room:asleep-{transport}"
    page = alice.open(f"/?transport={transport}")
    room = Room(page, channel, transport=transport).expect(["subscribed", None])
    with asleep(chromium):
        publish(stack, channel)
        time.sleep(SLEEP_S)
    room.expect(*ALL)
    room.close()


@pytest.fixture(scope="module")
def devtools(stack, tmp_path_factory) -> Iterator[DevTools]:
    """A Chromium in which alice is logged in."""
    with run_chromium_alone(tmp_path_factory.mktemp("profile")) as devtools:
        tab = devtools.open(f"{stack.origin}/login/")
        tab.evaluate(LOG_IN)
        wait_until(lambda: tab.evaluate("document.querySelector('#who')?.textContent") == "alice")
        tab.close()
        yield devtools


@BY_TRANSPORT
@pytest.mark.parametrize("is_frozen", [False, True], ids=["hidden", "frozen"])
def test_tab_in_the_background_receives_every_publication(stack, devtools, is_frozen, transport):
    channel = f"room:background-{is_frozen}-{transport}"
    tab = devtools.open(f"{stack.origin}/?transport={transport}")
    given = {"channel": channel, "more": [], "transport": transport, "recover": 0}
    tab.evaluate(f"({SUBSCRIBE})({json.dumps(given)}); {NOTE_EVENTS}")
    wait_until(lambda: tab.evaluate("received") == [["subscribed", None]])
    other = devtools.open("about:blank")
    wait_until(lambda: tab.evaluate("document.visibilityState") == "hidden")
    if is_frozen:
        with tab.frozen():
            publish(stack, channel)
            time.sleep(SLEEP_S)
    else:
        publish(stack, channel)
    wait_until(lambda: tab.evaluate("received.filter(([event]) => event === 'news')") == ALL)
    assert tab.evaluate("document.visibilityState") == "hidden"
    assert tab.evaluate("noted") == (["freeze", "resume"] if is_frozen else [])
    for opened in (tab, other):
        opened.close()


@BY_TRANSPORT
def test_page_receives_what_was_published_before_a_logout_in_another_tab(stack, log_in, transport):
    channel = f"room:logout-{transport}"
    bob = log_in("bob")
    board = bob.open_board()
    room = Room(bob.open(f"/?transport={transport}"), channel, transport=transport)
    room.expect(["subscribed", None])
    publish(stack, channel)
    board.log_out()
    publish(stack, channel)
    room.expect_state("closed")
    room.expect(*ALL)
    room.close()


def publish(stack: Stack, channel: str) -> None:
    with Publisher(stack._redis_url) as publisher:
        for number in range(PUBLICATIONS):
            publisher.publish_to(channel, "news", number)
