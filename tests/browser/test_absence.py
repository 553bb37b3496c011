"""A page that was away for a while receives every publication of that time."""

import os
import signal
import time

import pytest
from playwright.sync_api import Browser
from sockgate.publishing.publisher import Publisher

from tests.browser.room import Room
from tests.browser.windows import Profile
from tests.e2e.stack import Stack

pytestmark = pytest.mark.browser

PUBLICATIONS = 30
ALL = [["news", number] for number in range(PUBLICATIONS)]
SLEEP_S = 3
BY_TRANSPORT = pytest.mark.parametrize("transport", ["websocket", "xhr-streaming", "xhr-polling"])

NOTE_EVENTS = """
window.noted = [];
for (const name of ["offline", "online"]) addEventListener(name, () => noted.push(name));
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
    processes = processes_of(chromium)
    try:
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        publish(stack, channel)
        time.sleep(SLEEP_S)
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
    room.expect(*ALL)
    room.close()


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


def processes_of(browser: Browser) -> list[int]:
    devtools = browser.new_browser_cdp_session()
    found = devtools.send("SystemInfo.getProcessInfo")["processInfo"]
    devtools.detach()
    return [process["id"] for process in found]
