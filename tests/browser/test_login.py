"""A visitor logs in while a page is open: this page becomes the user's, and no other one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.windows import TIMEOUT_MS, Profile
from tests.e2e.stack import Stack

pytestmark = pytest.mark.browser

CONNECT = """
([transport, timeout]) => new Promise((resolve, reject) => {
  const rt = Sockgate.connect({
    tokenUrl: "/realtime/token/",
    transports: [transport],
    sockjsUrl: "/static/sockgate/sockgate-sockjs.js",
  });
  setTimeout(() => reject(new Error(JSON.stringify(states))), timeout);
  Object.assign(window, {rt, received: [], states: []});
  rt.on("*", (data, message) => received.push(message.channel));
  rt.on("state", (state, details) => {
    states.push([new Date().toISOString(), state, JSON.stringify(details)]);
    if (state === "connected") resolve(rt.connection);
  });
})
"""

# The loop runs in the page: its policy forbids Playwright's repeated evaluation.
WAIT = """
({user, channel, timeout}) => new Promise((resolve) => {
  const deadline = Date.now() + timeout;
  (function check() {
    const isThere = (user && rt.user === user) || received.includes(channel);
    if (isThere || Date.now() > deadline) resolve([rt.user, rt.connection, received]);
    else setTimeout(check, 10);  // Poll: the page has no event for both.
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
    """Two browsers without a login."""
    profiles = [Profile(chromium, stack.origin) for _ in range(2)]
    yield profiles
    for profile in profiles:
        profile.close()
    assert [violation for profile in profiles for violation in profile.violations] == []


def connect(profile: Profile, transport: str) -> tuple[Page, str]:
    """Open a page without a login, and return it with the id of its connection."""
    page = profile.open("/login/")
    page.add_script_tag(url="/static/sockgate/sockgate.js")
    return page, page.evaluate(CONNECT, [transport, TIMEOUT_MS])


def wait(page: Page, **awaited: str) -> list[object]:
    """Wait for a user or a channel.

    Returns:
        The user, the connection, and the channels of the received publications.
    """
    return list(page.evaluate(WAIT, {**awaited, "timeout": TIMEOUT_MS}))


@pytest.mark.parametrize("transport", ["websocket", "xhr-streaming", "xhr-polling"])
def test_login_identifies_the_open_page_and_not_the_page_that_planted_the_session(
    stack, profiles, transport
):
    attacker, alice = profiles
    planted, _ = connect(attacker, transport)
    alice.set_cookie("sessionid", attacker.cookie("sessionid"))
    page, connection = connect(alice, transport)
    alice.log_in("alice")
    found = wait(page, user="1")
    assert found == ["1", connection, []], (page.evaluate("states"), stack.gateway.log.read_text())
    stack.publish("broadcast")
    stack.publish("user:1")
    assert wait(page, channel="user:1") == ["1", connection, ["broadcast", "user:1"]]
    user, _, channels = wait(planted, channel="broadcast")
    assert (user, channels) == (None, ["broadcast"])
