"""A visitor logs in while a page of his is open: it becomes his, and no page of anybody else's."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.e2e.stack import Stack

from .windows import PATIENCE_MS, Profile

pytestmark = pytest.mark.browser

CONNECT = """
(transport) => new Promise((resolve) => {
  const rt = Sockgate.connect({tokenUrl: "/realtime/token/", transports: [transport]});
  Object.assign(window, {rt, told: []});
  rt.on("*", (data, message) => told.push(message.channel));
  rt.on("state", (state) => state === "connected" && resolve(rt.connection));
})
"""

# Within the page, for its policy lets nothing be evaluated there again and again.
WAIT = """
({user, channel, patience}) => new Promise((resolve) => {
  const deadline = Date.now() + patience;
  (function look() {
    const isThere = (user && rt.user === user) || told.includes(channel);
    if (isThere || Date.now() > deadline) resolve([rt.user, rt.connection, told]);
    else setTimeout(look, 10);
  })();
})
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"))
    stack.django.environ["DJANGO_SETTINGS_MODULE"] = "tests.browser.open_site"
    try:
        stack.start()
        yield stack
        assert stack.faults() == []
    finally:
        stack.stop()


@pytest.fixture
def profiles(stack, chromium) -> Iterator[list[Profile]]:
    """Two browsers in which nobody has logged in."""
    profiles = [Profile(chromium, stack.origin) for _ in range(2)]
    yield profiles
    for profile in profiles:
        profile.close()
    assert [violation for profile in profiles for violation in profile.violations] == []


def connect(profile: Profile, transport: str) -> tuple[Page, str]:
    """Open a page of a visitor's; give it and the id of its connection."""
    page = profile.open("/login/")
    page.add_script_tag(url="/static/djangoauth/sockgate.js")
    return page, page.evaluate(CONNECT, transport)


def wait(page: Page, **awaited: str) -> list[object]:
    """Wait for a user or a channel; give the user, the connection, and the channels heard."""
    return list(page.evaluate(WAIT, {**awaited, "patience": PATIENCE_MS}))


@pytest.mark.parametrize("transport", ["websocket", "xhr-streaming", "xhr-polling"])
def test_open_page_becomes_the_users_and_the_page_of_who_planted_its_session_does_not(
    stack, profiles, transport
):
    attacker, alice = profiles
    planted, _ = connect(attacker, transport)
    alice.set_cookie("sessionid", attacker.cookie("sessionid"))
    page, connection = connect(alice, transport)
    alice.log_in("alice")
    assert wait(page, user="1") == ["1", connection, []]
    stack.publish("broadcast")
    stack.publish("user:1")
    assert wait(page, channel="user:1") == ["1", connection, ["broadcast", "user:1"]]
    user, _, heard = wait(planted, channel="broadcast")
    assert (user, heard) == (None, ["broadcast"])
