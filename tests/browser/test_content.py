"""HTML of users commands nothing in a page with client, guard, progress and badge.

The page has a policy with a nonce and with Trusted Types. The attacker's HTML has passed a
sanitizer, and is above and below Django's tags.
"""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.hostile import EVIL, SANITIZERS, sanitized
from tests.browser.windows import TIMEOUT_MS, Profile
from tests.e2e.stack import Stack, running_stack
from tests.waiting import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("content"), "tests.browser.content_settings") as it:
        yield it


@pytest.fixture(scope="module")
def alice(log_in_once: Callable[[str], Profile]) -> Profile:
    return log_in_once("alice")


class Visit:
    """A page of the site, and what it asked of the attacker."""

    def __init__(self, alice: Profile, query: str) -> None:
        self.stolen: list[str] = []
        self.asked: list[str] = []
        self.page: Page = alice.open("/login/")
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(f"{error} {error.stack}"))
        self.page.route(re.compile(EVIL), self._serve)
        self.page.goto(f"/post/?{query}")

    def _serve(self, route: Route) -> None:
        self.stolen.append(route.request.url)
        route.fulfill(body="window.pwned = true", content_type="text/javascript")

    def expect_connected(self) -> None:
        state = "window.rt && rt.state"
        wait_until(lambda: self.page.evaluate(state) == "connected", lambda: self.errors)

    def expect_unharmed(self) -> None:
        assert self.page.evaluate("typeof window.pwned") == "undefined"
        assert [url for url in self.asked if EVIL in url or "forged" in url] == []
        assert self.stolen == []


@pytest.mark.parametrize("by", SANITIZERS)
@pytest.mark.parametrize("way", ["", "transport=sockjs", "shared", "shared&transport=sockjs"])
def test_client_connects_to_its_own_gateway_with_its_own_scripts(
    alice: Profile, by: str, way: str
) -> None:
    visit = Visit(alice, f"by={by}&{way}")
    visit.expect_connected()
    assert any("/sockgate-sockjs." in url for url in visit.asked) == (way == "transport=sockjs")
    assert any("/sockgate-shared." in url for url in visit.asked) == way.startswith("shared")
    expect(visit.page.locator("html > #sockgate-badge")).to_have_count(1)
    visit.expect_unharmed()
    visit.page.close()


@pytest.mark.parametrize("by", SANITIZERS)
def test_guard_covers_the_page_and_leads_back_to_the_site(log_in: Callable, by: str) -> None:
    alice = log_in("alice")
    visit = Visit(alice, f"by={by}")
    visit.expect_connected()
    board = alice.open_board().expect_connected()
    board.log_out()
    cover = visit.page.locator("html > #sockgate-guard #cover")
    expect(cover).to_be_visible(timeout=TIMEOUT_MS)
    expect(visit.page.locator("#secret")).to_be_hidden()
    for link in cover.get_by_role("link").all():
        assert urlsplit(link.evaluate("link => link.href")).netloc == urlsplit(alice.origin).netloc
    expect(cover.get_by_role("link", name="Sign in again")).to_be_focused()
    visit.expect_unharmed()


def test_bar_of_django_is_followed_and_a_forged_one_is_not(alice: Profile) -> None:
    visit = Visit(alice, "by=loose")
    visit.expect_connected()
    bars = visit.page.locator("sockgate-progress")
    expect(bars).to_have_count(3)
    wait_until(lambda: visit.page.evaluate("1") and any("?id=job" in url for url in visit.asked))
    expect(visit.page.locator("#secret sockgate-progress label")).to_be_visible()
    expect(visit.page.locator("#secret sockgate-progress [role=status]")).to_have_count(1)
    expect(visit.page.locator("#above sockgate-progress [role=status]")).to_have_count(0)
    visit.expect_unharmed()


def test_attack_passes_the_sanitizers() -> None:
    """Otherwise the tests above would attack nothing."""
    assert 'id="sockgate-config"' in sanitized("dompurify")
    assert 'id="SockgateBadge"' in sanitized("dompurify")
    assert 'data-sockgate="client"' in sanitized("dompurify")
    assert 'name="createElement"' in sanitized("loose")
    assert "progress-id" in sanitized("loose")
    assert not any("<script" in sanitized(by) for by in SANITIZERS)
