"""Live pages that were hidden, away, or without a gateway are right again at the end."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.live.site import (
    IS_FOLLOWED,
    Site,
    expect_gone,
    expect_rows,
    expect_text,
    follow,
    wait_for,
)
from tests.browser.windows import Profile
from tests.chromium import asleep, run_chromium
from tests.devtools import run_chromium_alone
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

LOG_IN = """
document.querySelector("#id_username").value = "alice";
document.querySelector("#id_password").value = "alice-demo";
document.querySelector("#login button").click();
"""
ROWS = "[...document.querySelectorAll('#rows li')].map((row) => row.textContent).join()"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A Chromium with the back/forward cache, which Playwright disables by default."""
    enabled = {"ignore_default_args": ["--disable-back-forward-cache"]}
    with run_chromium(complete=True, **enabled) as browser:
        yield browser


@pytest.fixture
def alice(log_in) -> Profile:
    return log_in("alice")


def test_page_from_the_back_forward_cache_is_fresh(site: Site, alice: Profile) -> None:
    page = alice.open("/orders/")
    follow(page)
    page.evaluate("addEventListener('pageshow', (event) => (window.persisted = event.persisted))")
    page.goto("/login/")
    site.show("changed meanwhile")
    page.go_back(wait_until="commit")
    assert page.evaluate("window.persisted") is True, "the page was not kept"
    expect_rows(page, "changed meanwhile")
    site.show("after")
    wait_for(page, "Sockgate.connect.client.state === 'connected'")
    site.touch("orders")
    expect_rows(page, "after")


def test_page_from_the_back_forward_cache_after_a_logout_is_empty(
    site: Site, alice: Profile
) -> None:
    page = alice.open("/orders/")
    follow(page)
    page.goto("/login/")
    alice.open_board().log_out()
    page.go_back(wait_until="commit")
    expect_gone(page, "#rows")


@pytest.mark.parametrize("is_kept", [True, False])
def test_page_of_another_user_is_loaded_again(site: Site, alice: Profile, is_kept: bool) -> None:
    """Back, after another login: nothing of bob is shown in the page of alice."""
    site.show(version="of alice", alice=["hers"])
    page = alice.open("/orders/")
    follow(page)
    page.evaluate("addEventListener('pageshow', (event) => (window.persisted = event.persisted))")
    if not is_kept:
        page.evaluate("addEventListener('unload', () => {})")
    page.goto("/login/")
    alice.open_board().log_out()
    alice.log_in("bob")
    site.show(version="of bob", bob=["his"])
    page.go_back(wait_until="commit")
    expect_text(page, "#outside", "of bob")
    expect_rows(page, "his")


def test_restart_of_the_gateway_loses_nothing(site: Site, alice: Profile) -> None:
    pages = [alice.open("/orders/") for _ in range(3)]
    for page in pages:
        follow(page)
    site.stack.gateway.stop()
    site.show("touched while the gateway was away")
    site.touch("orders")
    site.stack.gateway.start()
    for page in pages:
        expect_rows(page, "touched while the gateway was away")


def test_page_without_a_network_is_right_when_it_is_back(site: Site, alice: Profile) -> None:
    page = alice.open("/orders/")
    follow(page)
    page.context.set_offline(True)
    site.show("changed meanwhile")
    site.touch("orders")
    page.context.set_offline(False)
    expect_rows(page, "changed meanwhile")


@pytest.mark.parametrize("restarts", [False, True], ids=["connected", "cut off"])
def test_page_of_a_computer_that_slept_is_right(
    site: Site, alice: Profile, chromium: Browser, restarts: bool
) -> None:
    page = alice.open("/orders/")
    follow(page)
    with asleep(chromium):
        if restarts:
            site.stack.gateway.stop()
        site.show("changed meanwhile")
        site.touch("orders")
        if restarts:
            site.stack.gateway.start()
    expect_rows(page, "changed meanwhile")


def test_hidden_tab_waits_until_it_is_seen(site: Site, tmp_path) -> None:
    with run_chromium_alone(tmp_path) as browser:
        login = browser.open(f"{site.stack.origin}/login/")
        login.evaluate(LOG_IN)
        wait_until(lambda: login.has_loaded(f"{site.stack.origin}/"))
        hidden = browser.open(f"{site.stack.origin}/orders/")
        wait_until(lambda: hidden.evaluate(f"({IS_FOLLOWED})('orders')"))
        seen = browser.open(f"{site.stack.origin}/orders/?seen")
        wait_until(lambda: seen.evaluate(f"({IS_FOLLOWED})('orders')"))
        assert hidden.evaluate("document.hidden") is True
        for number in range(5):
            site.show(f"row {number}")
            site.touch("orders")
            wait_until(lambda row=f"row {number}": seen.evaluate(ROWS) == row)
        assert hidden.evaluate(ROWS) == "first"
        before = _fetches_of(site, "/orders/")
        hidden.activate()
        wait_until(lambda: hidden.evaluate(ROWS) == "row 4")
        assert _fetches_of(site, "/orders/") == before + 1


def _fetches_of(site: Site, path: str) -> int:
    return [fetch["path"] for fetch in site.fetches()].count(path)
