"""The examples of examples/live_pages, each with several users in Chromium."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.live_pages import LivePages
from tests.browser.windows import TIMEOUT_MS

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[LivePages]:
    stack = LivePages(tmp_path_factory.mktemp("stack"))
    try:
        stack.start()
        yield stack
        faults = stack.faults()
    finally:
        stack.stop()
    assert faults == []


def open_page(profile) -> Page:
    """Open the page, and wait until it is connected: then it shows who is here."""
    page = profile.open()
    expect(page.locator("#here")).not_to_be_empty(timeout=TIMEOUT_MS)
    return page


def expect_text(page: Page, selector: str, text: str) -> None:
    expect(page.locator(selector)).to_have_text(text, timeout=TIMEOUT_MS)


def send(page: Page, form: str, text: str) -> None:
    page.fill(f"#{form} input:not([type=hidden])", text)
    page.click(f"#{form} button")


def test_bell_shows_a_toast_and_the_count_to_one_user(stack, log_in):
    admin, alice, bob = (log_in(name) for name in ("admin", "alice", "bob"))
    pages = [open_page(alice), open_page(alice), open_page(bob)]
    send(pages[0], "order", "<b>tea</b>")
    admin.open().click("#orders li:has-text('tea') button")
    for page in pages[:2]:
        expect_text(page, "#toasts p", "<b>tea</b> is paid")
        expect_text(page, "#bell", "1")
    expect_text(pages[2], "#bell", "0")
    expect(pages[2].locator("#toasts p")).to_have_count(0)


def test_progress_is_shown_in_all_pages_of_its_user(stack, log_in):
    admin, alice = log_in("admin"), open_page(log_in("alice"))
    send(alice, "order", "coffee")
    watching = open_page(admin)
    open_page(admin).click("#remind button")
    bar = watching.locator("sockgate-progress")
    expect(bar).to_have_attribute("state", "done", timeout=TIMEOUT_MS)
    expect(open_page(admin).locator("sockgate-progress")).to_have_attribute("state", "done")
    expect(alice.locator("#toasts p", has_text="coffee is still open")).to_have_count(
        1, timeout=TIMEOUT_MS
    )
    expect(alice.locator("sockgate-progress")).to_have_count(0)


def test_list_is_fresh_and_shows_only_what_the_viewer_may_see(stack, log_in):
    admin, alice, bob = (open_page(log_in(name)) for name in ("admin", "alice", "bob"))
    other = open_page(log_in("alice"))
    send(bob, "order", "cake")
    send(alice, "order", "juice")
    rows = {page: page.locator("#orders li", has_text="juice") for page in (admin, bob, other)}
    expect(rows[admin]).to_have_count(1, timeout=TIMEOUT_MS)
    expect(rows[other]).to_have_count(1, timeout=TIMEOUT_MS)
    rows[admin].locator("button").click()
    expect(rows[other]).to_contain_text("(paid)", timeout=TIMEOUT_MS)
    expect(bob.locator("#orders li", has_text="cake")).to_have_count(1, timeout=TIMEOUT_MS)
    expect(rows[bob]).to_have_count(0)


def test_presence_shows_who_is_here_by_name(stack, log_in):
    alice = open_page(log_in("alice"))
    expect_text(alice, "#here", "alice")
    bob = open_page(log_in("bob"))
    for page in (alice, bob):
        expect(page.locator("#here")).to_have_text("alice,bob", timeout=TIMEOUT_MS)
    bob.close()
    expect_text(alice, "#here", "alice")


def test_chat_keeps_the_page_and_arrives_once_in_order(stack, log_in):
    alice, bob = open_page(log_in("alice")), open_page(log_in("bob"))
    alice.evaluate("window.isSame = true")
    said = ["alice one", "bob <i>two</i>", "alice three"]
    for page, text in zip((alice, bob, alice), ("one", "<i>two</i>", "three"), strict=True):
        send(page, "say", text)
        expect(bob.locator("#said li").last).to_contain_text(text, timeout=TIMEOUT_MS)
        expect(page.locator("#say [name=text]")).to_have_value("", timeout=TIMEOUT_MS)
    late = open_page(log_in("bob"))
    for page in (alice, bob, late):
        expect(page.locator("#said li")).to_have_text(said, timeout=TIMEOUT_MS)
    assert alice.evaluate("isSame")


def test_chat_receives_what_was_said_while_the_gateway_was_away(stack, log_in):
    alice, bob = open_page(log_in("alice")), open_page(log_in("bob"))
    stack.gateway.stop()
    send(alice, "say", "nobody listens")
    expect(alice.locator("#say [name=text]")).to_have_value("", timeout=TIMEOUT_MS)
    stack.gateway.start()
    for page in (alice, bob):
        rows = page.locator("#said li", has_text="nobody listens")
        expect(rows).to_have_count(1, timeout=60_000)


def test_ticker_shows_the_price_to_all_and_to_newcomers(stack, log_in):
    admin, alice = log_in("admin"), open_page(log_in("alice"))
    send(open_page(admin), "price", "20.12")
    expect_text(alice, "#quote", "20.12")
    expect_text(open_page(log_in("bob")), "#quote", "20.12")
