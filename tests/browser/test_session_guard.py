"""The session guard in real pages: the warning before the end, and the cover after it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.windows import Profile
from tests.chromium import run_chromium
from tests.e2e.stack import Stack, running_stack

pytestmark = pytest.mark.browser

TIMEOUT_MS = 90_000
"""A loaded machine may need several times what an idle one does."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    with running_stack(
        tmp_path_factory.mktemp("guarded"), "tests.browser.guarded_settings"
    ) as stack:
        yield stack


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A Chromium with the back/forward cache, which Playwright disables by default."""
    enabled = {"ignore_default_args": ["--disable-back-forward-cache"]}
    with run_chromium(complete=True, **enabled) as browser:
        yield browser


def cover(page: Page):
    return page.locator("#sockgate-guard #cover")


def expect_covered(page: Page, title: str = "You are signed out") -> None:
    expect(cover(page).get_by_role("heading", name=title)).to_be_visible(timeout=TIMEOUT_MS)
    expect(page.locator("#secret")).to_be_hidden()
    expect(page).to_have_title(title)


def expect_open(page: Page) -> None:
    expect(page.locator("#secret")).to_be_visible(timeout=TIMEOUT_MS)
    expect(cover(page)).to_have_count(0, timeout=TIMEOUT_MS)


def expect_connected(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("data-state", "connected", timeout=TIMEOUT_MS)


def log_out(alice: Profile) -> None:
    board = alice.open_board().expect_connected()
    board.log_out()
    board.close()


@pytest.mark.parametrize("way", ["", "?shared"])
def test_logout_in_another_window_covers_the_page(log_in: Callable, way: str) -> None:
    alice = log_in("alice")
    page = alice.open(f"/guarded/{way}")
    expect_connected(page)
    log_out(alice)
    expect_covered(page)
    for _ in range(3):
        page.keyboard.press("Escape")
    expect_covered(page)
    page.get_by_role("link", name="Sign in again").click()
    page.wait_for_url("**/login/?next=%2Fguarded%2F*")


def test_page_without_a_client_of_its_own_is_covered_too(log_in: Callable) -> None:
    alice = log_in("alice")
    page = alice.open("/guarded/?alone")
    expect_open(page)
    badge = page.locator("#sockgate-badge #summary")
    expect(badge).to_contain_text("connected", timeout=TIMEOUT_MS)
    log_out(alice)
    expect_covered(page)


def test_login_as_another_user_covers_the_page(log_in: Callable) -> None:
    alice = log_in("alice")
    page = alice.open("/guarded/")
    expect_connected(page)
    page.evaluate("rt.close()")
    log_out(alice)
    alice.log_in("bob")
    page.evaluate("rt.connect()")
    expect_covered(page, "Another user is signed in")
    page.get_by_role("link", name="Reload the page").click()
    expect(page.locator("#secret")).to_contain_text("bob")


def test_page_from_the_cache_of_the_browser_is_covered(log_in: Callable) -> None:
    alice = log_in("alice")
    page = alice.open("/guarded/")
    expect_connected(page)
    page.evaluate("addEventListener('pageshow', (event) => (window.isKept = event.persisted))")
    page.goto("/login/")
    page.go_back(wait_until="commit")
    assert page.evaluate("window.isKept") is True, "the page was not kept"
    expect_open(page)
    page.goto("/login/")
    log_out(alice)
    page.go_back(wait_until="commit")
    assert page.evaluate("window.isKept") is True, "the page was not kept"
    assert cover(page).count() == 1  # From the first moment on.
    expect_covered(page)


def test_page_warns_and_can_stay(log_in: Callable) -> None:
    alice = log_in("alice")
    page = alice.open("/guarded/?age=30&warn=29")
    other = alice.open("/guarded/?age=30&warn=29")
    page.bring_to_front()
    page.locator("#note").focus()
    dialog = page.get_by_role("alertdialog", name="You will be signed out soon")
    expect(dialog).to_be_visible(timeout=TIMEOUT_MS)
    expect(dialog.get_by_role("timer")).to_contain_text("Time left: 0:1")
    button = dialog.get_by_role("button", name="Stay signed in")
    expect(button).to_be_focused()
    assert page.evaluate("expiring.length") == 1
    other_dialog = other.get_by_role("alertdialog")
    expect(other_dialog).to_be_visible(timeout=TIMEOUT_MS)
    with page.expect_response("**/realtime/session/") as answered:
        page.keyboard.press("Enter")
    assert answered.value.request.method == "POST"
    assert answered.value.json()["expires_in"] == 30
    for stayed in (dialog, other_dialog):
        expect(stayed).to_have_count(0, timeout=TIMEOUT_MS)
    expect(page.locator("#note")).to_be_focused()


def test_page_whose_login_expires_is_covered(stack: Stack, log_in: Callable) -> None:
    alice = log_in("alice")
    stack.gateway.stop()
    try:
        page = alice.open("/guarded/?age=20&warn=1")
        expect_open(page)
        expect_covered(page)
    finally:
        stack.gateway.start()


def test_site_that_does_not_answer_uncovers_nothing(stack: Stack, log_in: Callable) -> None:
    alice = log_in("alice")
    stack.gateway.stop()  # Else it says first that the login has ended.
    try:
        page = alice.open("/guarded/?age=15&warn=1")
        page.route("**/realtime/session/", lambda route: route.abort())
        expect(cover(page).get_by_role("heading", name="Checking your login")).to_be_visible(
            timeout=TIMEOUT_MS
        )
        page.unroute("**/realtime/session/")
        page.evaluate("dispatchEvent(new Event('online'))")
        expect_covered(page)
    finally:
        stack.gateway.start()


def test_visitor_page_makes_no_request(stack: Stack, chromium: Browser) -> None:
    context = chromium.new_context(base_url=stack.origin)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/open/")
    expect(page.locator("html")).to_have_attribute("data-state", "closed", timeout=TIMEOUT_MS)
    assert page.locator("#secret").is_visible()
    assert not [url for url in asked if "guard" in url or "realtime" in url]
    assert context.cookies() == []
    context.close()
