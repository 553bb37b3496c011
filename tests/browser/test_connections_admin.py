"""*Live connections* in Django's admin, in Chromium."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.windows import Profile

pytestmark = pytest.mark.browser

LIST = "/admin/sockgate/connection/"
AXE = Path(__file__).parents[2] / "clientjs" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = ({"width": 1280, "height": 900}, {"width": 390, "height": 844})


def test_page_follows_who_comes_and_goes(log_in):
    page = log_in("admin").open(LIST)
    users = page.locator("[aria-labelledby=sockgate-users] tbody tr")
    expect(users.filter(has_text="admin")).to_have_count(1)  # The page itself.
    page.evaluate("window.isSamePage = true")
    board = log_in("alice").open_board().expect_connected()
    alice = users.filter(has_text="alice")
    expect(alice).to_contain_text(re.compile("Chrome [0-9]+ on Linux"))
    expect(page.locator("#sockgate-counts")).to_contain_text("2 users, 2 connections")
    expect(page.locator("[aria-labelledby=sockgate-workers] tbody")).to_contain_text("ready")
    board.close()
    expect(alice).to_have_count(0)
    assert page.evaluate("window.isSamePage")


def test_connection_is_closed_and_its_end_is_told(log_in):
    board = log_in("alice").open_board().expect_connected()
    page = log_in("admin").open(LIST)
    page.get_by_role("link", name="alice", exact=True).click()
    rows = page.locator("[aria-labelledby=sockgate-tabs] tbody tr")
    expect(rows).to_have_count(1)
    connection = rows.locator("code").inner_text()
    rows.get_by_role("button").click()
    expect(page.locator(".messagelist")).to_have_text(f"Closed connection {connection}.")
    events = page.locator("[aria-labelledby=sockgate-why] tbody tr")
    closed = f"Connection {connection} was closed by the gateway"
    expect(events.filter(has_text=closed)).to_contain_text("3000, an operator closed it.")
    board.expect_connected()
    expect(rows).to_have_count(1)
    expect(rows.locator("code")).not_to_have_text(connection)

    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_text("alice has no open connection.")).to_be_visible()
    board.expect_state("closed")


def test_what_an_operator_types_stays_while_connections_come(log_in):
    page = log_in("admin").open(LIST)
    board = log_in("bob").open_board().expect_connected()
    page.get_by_role("link", name="bob", exact=True).click()
    page.get_by_label("Take a channel away:").fill("room:lobby")
    page.get_by_label("Only channel:").fill("room")
    other = log_in("bob").open_board().expect_connected()
    expect(page.locator("[aria-labelledby=sockgate-tabs] tbody tr")).to_have_count(2)
    expect(page.get_by_label("Take a channel away:")).to_have_value("room:lobby")
    expect(page.get_by_label("Only channel:")).to_have_value("room")
    other.close()
    board.close()


def test_pages_have_no_barriers_and_fit_a_phone(stack, chromium: Browser, log_in):
    board = log_in("alice").open_board().expect_connected()
    profile = Profile(chromium, stack.origin).log_in("admin")  # axe applies styles of its own.
    try:
        page = profile.open(LIST)
        assert find_barriers(page) == []
        page.get_by_role("link", name="alice", exact=True).click()
        expect(page.locator("[aria-labelledby=sockgate-why]")).to_be_visible()
        assert find_barriers(page) == []
    finally:
        profile.close()
        board.close()


def find_barriers(page: Page) -> list[str]:
    """Return what axe finds, light and dark, on a desktop and a phone; and what is too wide."""
    found: list[str] = []
    for scheme in ("light", "dark"):
        for size in SIZES:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)
            page.evaluate(AXE.read_text())
            result = page.evaluate("axe.run(document)")
            place = f"{scheme} {size['width']}"
            found += [f"{place}: {one['id']}" for one in result["violations"]]
            width = page.evaluate("document.documentElement.scrollWidth")
            found += [f"{place}: {width} px wide"] if width > size["width"] else []
    return found
