"""A page in the browser's back/forward cache loses no publication."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from sockgate.publishing.publisher import Publisher

from tests.browser.room import Room
from tests.browser.windows import Profile
from tests.chromium import run_chromium

pytestmark = pytest.mark.browser

PUBLICATIONS = 30

NOTE_RETURN = """
window.returns = [];
addEventListener("pageshow", (event) => returns.push(event.persisted));
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A Chromium with the back/forward cache, which Playwright disables by default."""
    enabled = {"ignore_default_args": ["--disable-back-forward-cache"]}
    with run_chromium(complete=True, **enabled) as browser:
        yield browser


@pytest.fixture(scope="module")
def alice(log_in_once) -> Profile:
    return log_in_once("alice")


@pytest.mark.parametrize("transport", ["websocket", "xhr-streaming", "xhr-polling"])
def test_restored_page_recovers_every_publication(stack, alice, transport):
    channel = f"room:cache-{transport}"
    page = alice.open(f"/?transport={transport}")
    page.evaluate(NOTE_RETURN)
    room = Room(page, channel, transport=transport).expect(["subscribed", None])
    with Publisher(stack._redis_url) as publisher:
        publisher.publish_to(channel, "news", "before")
        room.expect(["news", "before"])
        page.goto("/login/")
        for number in range(PUBLICATIONS):
            publisher.publish_to(channel, "news", number)
        page.go_back(wait_until="commit")  # A kept page does not load again.
        assert page.evaluate("window.returns") == [True], "the page was not kept"
        room.expect(["subscribed", None], *(["news", number] for number in range(PUBLICATIONS)))
        publisher.publish_to(channel, "news", "after")
        room.expect(["news", "after"])
    room.close()
