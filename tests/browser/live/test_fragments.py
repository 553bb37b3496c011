"""Live fragments follow what is touched, under a strict Content-Security-Policy."""

import pytest
from playwright.sync_api import Page

from tests.browser.live.site import expect_gone, expect_rows, expect_text

pytestmark = pytest.mark.browser

HOLD = """
window.events = [];
for (const when of ["before", "after"])
  addEventListener(`sockgate:live-${when}`, (event) => events.push(when + " " + event.target.id));
"""


@pytest.fixture
def page(site, log_in) -> Page:
    page = log_in("alice").open("/orders/")
    expect_fresh(site, page)
    return page


def expect_fresh(site, page: Page) -> None:
    """Wait until the page follows its channels, and has checked what it shows."""
    site.show("first", "second", version="v2")
    site.touch("orders")
    expect_rows(page, "first", "second")
    expect_text(page, "#stock", "v2")
    settle(site, page)


def settle(site, page: Page) -> None:
    """Wait until the page makes no more requests, and forget those that it has made."""
    page.wait_for_timeout(1000)  # Fetches of one page are 300 ms apart.
    site.redis.delete("site:fetches", "site:authorized")


def test_touch_refreshes_every_fragment_with_one_request(site, page):
    site.show("third", version="v3")
    site.touch("orders", "stock")
    expect_rows(page, "third")
    expect_text(page, "#stock", "v3")
    expect_text(page, "#outside", "v1")
    [fetch] = site.fetches()
    assert (fetch["path"], fetch["X-Sockgate-Live"]) == ("/orders/", "1")
    assert site.redis.get("site:authorized") is None


def test_viewer_sees_only_rows_of_the_view(site, page, log_in):
    bob = log_in("bob").open("/orders/")
    expect_rows(bob, "first", "second")
    site.show("all", alice=["for alice"], bob=["for bob"])
    site.touch("orders")
    expect_rows(page, "all", "for alice")
    expect_rows(bob, "all", "for bob")


def test_refresh_leaves_alone_what_belongs_to_the_viewer(site, page):
    page.locator("#draft").press_sequentially("half a sen")
    page.locator("#text").fill("some text")
    page.select_option("#choice", "two")
    page.check("#tick")
    page.click("#more summary")
    page.evaluate("kept.textContent = 'mine'; scrollTo(0, 500)")
    page.locator("#draft").focus()
    page.evaluate("draft.setSelectionRange(2, 4)")
    top = page.evaluate("scrollY")
    site.show("third", version="v3")
    site.touch("stock")
    expect_text(page, "#stock", "v3")
    state = page.evaluate(
        "[document.activeElement.id, draft.value, draft.selectionStart, draft.selectionEnd, "
        "text.value, choice.value, tick.checked, more.open, kept.textContent, scrollY]"
    )
    assert state == [
        *("draft", "half a sen", 2, 4, "some text", "two", True, True, "mine", top),
    ]
    assert page.evaluate("[fixed.value, JSON.parse(data.textContent)]") == ["v3", "v3"]
    page.locator("#draft").press_sequentially("X")
    assert page.evaluate("draft.value") == "haX a sen"


def test_script_of_a_refreshed_fragment_does_not_run(site, page):
    site.show(version="v3")
    site.touch("stock")
    expect_text(page, "#stock", "v3")
    assert page.evaluate("runs") == 1
    assert page.locator("script[src='/script.js']").count() == 0


def test_site_may_prevent_a_refresh_and_follow_it(site, page):
    page.evaluate(HOLD)
    page.evaluate(
        "document.querySelector('#live-stock').addEventListener("
        "'sockgate:live-before', (event) => event.preventDefault())"
    )
    site.show("third", version="v3")
    site.touch("orders", "stock")
    expect_rows(page, "third")
    expect_text(page, "#stock", "v2")
    assert page.evaluate("events") == [
        *("before live-orders", "after live-orders", "before live-stock"),
    ]


def test_many_touches_make_few_requests(site, page):
    for number in range(50):
        site.show(f"row {number}")
        site.touch("orders")
    expect_rows(page, "row 49")
    assert 1 <= len(site.fetches()) <= 4


def test_etag_spares_the_page(site, log_in):
    page = log_in("alice").open("/tagged/")
    site.show(version="v2")
    site.touch("stock")
    expect_text(page, "#stock", "v2")
    settle(site, page)
    # The browser compares its own copy.
    page.evaluate("stock.textContent = 'not fetched'")
    site.touch("stock")
    expect_text(page, "#stock", "v2")
    assert [fetch["If-None-Match"] for fetch in site.fetches()] == ['"v2"']
    site.show(version="v3")
    site.touch("stock")
    expect_text(page, "#stock", "v3")


@pytest.mark.parametrize("status", ["401", "403", "404", "410"])
def test_page_that_is_not_permitted_any_more_loses_its_content(site, page, status):
    site.put("status", status)
    site.touch("orders")
    expect_gone(page, "#rows")
    expect_gone(page, "#stock")
    site.put("status", "200")
    site.touch("orders")
    expect_rows(page, "first", "second")


@pytest.mark.parametrize("status", ["500", "503", "429"])
def test_page_keeps_its_content_while_the_site_fails(site, page, status):
    site.put("status", status)
    with page.expect_response("**/orders/"):
        site.touch("orders")
    site.show("third")
    expect_text(page, "#stock", "v2")
    site.put("status", "200")
    expect_rows(page, "third")


def test_fragments_come_and_go_with_their_channels(site, log_in):
    site.put("names", "one two")
    page = log_in("alice").open("/nested/")
    expect_text(page, "#two", "two v1")
    site.put("names", "two three")
    site.touch("list")
    expect_text(page, "#three", "three v1")
    expect_gone(page, "#one")
    for version, channel in (("v2", "three"), ("v3", "two")):
        site.show(version=version)
        page.evaluate("Sockgate.connect.client.subscribe('none')")
        site.touch(channel)
        expect_text(page, "#three", f"three {version}")


def test_client_at_the_end_of_the_page(site, log_in):
    page = log_in("alice").open("/late/")
    site.show("second")
    site.touch("orders")
    expect_rows(page, "second")


def test_page_without_the_client_says_so(site, log_in):
    alice = log_in("alice")
    page = alice.open("/login/")
    with page.expect_console_message(lambda message: "sockgate_client" in message.text):
        page.goto("/bare/")


def test_htmx_works_on_refreshed_content(site, log_in):
    page = log_in("alice").open("/htmx/")
    site.show(version="v2")
    site.touch("stock")
    expect_text(page, "#more", "v2")
    page.click("#more")
    expect_text(page, "#part", "part v2")


def test_fragment_that_htmx_has_brought_is_fetched_from_its_own_address(site, log_in):
    page = log_in("alice").open("/htmx/")
    expect_text(page, "#more", "v1")
    page.click("#load")
    expect_text(page, "#partial", "v1")
    site.show(version="v2")
    site.touch("parts")
    expect_text(page, "#partial", "v2")
    expect_text(page, "#more", "v1")
    assert "/partial/" in {fetch["path"] for fetch in site.fetches()}


def test_fragment_is_fetched_from_its_address_after_push_state(site, page):
    page.evaluate("history.pushState(null, '', '/login/')")
    site.show("third", version="v3")
    site.touch("orders")
    expect_rows(page, "third")
    assert {fetch["path"] for fetch in site.fetches()} == {"/orders/"}


def test_fragment_is_fetched_by_time_without_a_touch(site, log_in):
    page = log_in("alice").open("/clock/")
    for version in ("v2", "v3"):
        site.show(version=version)
        expect_text(page, "#stock", version)
