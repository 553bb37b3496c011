"""HTML of users commands nothing in a page with client, guard, progress, live fragment and badge.

The page has a policy with or without a nonce, and with Trusted Types. What sanitizers leave of the
attacker's HTML is above and below Django's tags, and in the live fragment.
"""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.hostile import ATTACKS, EVIL, FRONTENDS, SANITIZERS, purify, sanitized
from tests.browser.live.site import Site
from tests.browser.windows import TIMEOUT_MS, Profile
from tests.e2e.stack import Stack, running_stack
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

FORGED = re.compile(f"forged|{EVIL}")


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("content"), "tests.browser.content_settings") as it:
        yield it


@pytest.fixture(scope="module")
def site(stack: Stack) -> Iterator[Site]:
    site = Site(stack)
    yield site
    site.close()


@pytest.fixture(scope="module")
def alice(log_in_once: Callable[[str], Profile]) -> Profile:
    return log_in_once("alice")


class Visit:
    """A page of the site, and what it asked of whom."""

    def __init__(self, alice: Profile, query: str) -> None:
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.page: Page = alice.open("/login/")
        self.page.on("request", self._note)
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.on("pageerror", lambda error: self.errors.append(f"{error} {error.stack}"))
        self.page.route(re.compile(EVIL), self._serve)
        self.page.goto(f"/post/?{query}")

    def _note(self, request: Request) -> None:
        self.asked += [request.url, request.headers.get("x-csrftoken", "")]

    def _serve(self, route: Route) -> None:
        route.fulfill(body="window.pwned = true", content_type="text/javascript")

    def expect_connected(self) -> None:
        state = "window.rt && rt.state"
        wait_until(lambda: self.page.evaluate(state) == "connected", lambda: self.errors)
        expect(self.page.locator("html > #sockgate-badge")).to_have_count(1)

    def expect_unharmed(self) -> None:
        assert self.errors == []
        assert self.page.evaluate("[typeof pwned, rt.state]") == ["undefined", "connected"]
        assert [text for text in self.asked if FORGED.search(text)] == []

    def expect_grant_asked(self) -> None:
        wait_until(lambda: self.page.evaluate("1") and any("/grant/" in url for url in self.asked))


@pytest.mark.parametrize("attack", [*ATTACKS, "blocks&plain"])
def test_content_is_no_order(alice: Profile, site: Site, attack: str) -> None:
    visit = Visit(alice, f"attack={attack}")
    visit.expect_connected()
    visit.expect_grant_asked()
    fragment = visit.page.locator("body section")
    expect(fragment.locator("b:text('fresh')")).to_have_count(0)
    wait_until(lambda: site.redis.pubsub_numsub("rt:orders")[0][1], lambda: visit.errors)
    site.touch("orders")
    # Nothing of it keeps its place in a fragment from which the site has removed it.
    expect(fragment).to_have_text("fresh", timeout=TIMEOUT_MS)
    assert site.redis.pubsub_channels("rt:spy*") == []
    visit.expect_unharmed()
    visit.page.close()


def test_content_of_users_is_not_kept_as_a_refused_form(alice: Profile, site: Site) -> None:
    visit = Visit(alice, "attack=kept")
    visit.page.locator("[name=note]").fill("typed")
    visit.page.locator("[name=note]").press("Enter")
    errors = visit.page.locator("section .errorlist")
    expect(errors.and_(visit.page.locator(":text('Too long')"))).to_have_count(1)
    visit.expect_connected()
    visit.expect_grant_asked()
    site.touch("orders")
    expect(visit.page.locator("section b:text('fresh')")).to_have_count(1, timeout=TIMEOUT_MS)
    expect(errors).to_have_text("Too long")
    expect(visit.page.locator("section [name=note]")).to_have_value("typed")
    expect(visit.page.locator("#live-orders")).to_have_text("fresh Too long")
    visit.expect_unharmed()
    visit.page.close()


@pytest.mark.parametrize("way", ["transport=sockjs", "shared", "shared&transport=sockjs"])
def test_scripts_are_those_of_the_site(alice: Profile, way: str) -> None:
    visit = Visit(alice, way)
    visit.expect_connected()
    assert any("/sockgate-sockjs." in url for url in visit.asked) == (way == "transport=sockjs")
    assert any("/sockgate-shared." in url for url in visit.asked) == way.startswith("shared")
    visit.expect_unharmed()
    visit.page.close()


def test_guard_covers_the_page_and_leads_back_to_the_site(log_in: Callable) -> None:
    alice = log_in("alice")
    visit = Visit(alice, "")
    visit.expect_connected()
    board = alice.open_board().expect_connected()
    board.log_out()
    cover = visit.page.locator("html > #sockgate-guard #cover")
    expect(cover).to_be_visible(timeout=TIMEOUT_MS)
    expect(visit.page.locator("#secret")).to_be_hidden()
    for link in cover.get_by_role("link").all():
        assert urlsplit(link.evaluate("link => link.href")).netloc == urlsplit(alice.origin).netloc
    expect(cover.get_by_role("link", name="Sign in again")).to_be_focused()


def test_bar_of_django_is_followed_and_a_forged_one_is_not(alice: Profile) -> None:
    visit = Visit(alice, "attack=bars")
    visit.expect_connected()
    wait_until(lambda: visit.page.evaluate("1") and any("?id=job" in url for url in visit.asked))
    expect(visit.page.locator("#secret sockgate-progress label")).to_be_visible()
    expect(visit.page.locator("#secret sockgate-progress [role=status]")).to_have_count(1)
    expect(visit.page.locator("#above sockgate-progress")).to_have_count(1)
    expect(visit.page.locator("#above sockgate-progress [role=status]")).to_have_count(0)
    visit.expect_unharmed()


@pytest.mark.parametrize(
    ("by", "attack", "left"),
    [
        ("dompurify", "blocks", 'id="sockgate-config"'),
        ("dompurify", "blocks", 'data-sockgate="client"'),
        ("dompurify", "globals", 'id="SockgateBadge"'),
        ("dompurify", "live", "data-sockgate-live="),
        ("dompurify", "live", "spy1499"),
        ("dompurify", "kept", "data-sockgate-keep"),
        ("loose", "document", 'name="createElement"'),
        ("loose", "forms", 'nonce="forged"'),
        ("loose", "bars", "progress-id"),
        ("loose", "bars", 'name="matches"'),
        ("loose", "kept", "<form contenteditable="),
        ("nh3", "blocks", "<p>{"),
        ("bleach", "blocks", "&lt;p id="),
    ],
)
def test_attack_passes_the_sanitizers(by: str, attack: str, left: str) -> None:
    """Otherwise the tests above would attack nothing."""
    assert left in sanitized(by, attack)
    assert "<script" not in sanitized(by)


@pytest.mark.parametrize("by", SANITIZERS)
def test_no_channel_of_htmx_or_turbo_passes_the_sanitizers(by: str) -> None:
    left = SANITIZERS[by](FRONTENDS)
    assert "spied" in left
    assert not re.search(r"<[^>]*\s(sg-channel|hx-ext)=|<sockgate-stream-source", left)


def test_defaults_keep_the_data_form_of_channels() -> None:
    """So the htmx extension must not take it.

    clientjs/test/frameworks/htmx/extension.test.js shows that it does not.
    """
    assert 'data-sg-channel="spy"' in purify(FRONTENDS)
