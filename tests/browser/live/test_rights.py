"""What a viewer may not see any more goes from a live page, and does not come again."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.live.site import (
    expect_gone,
    expect_rows,
    expect_text,
    follow,
    running_site,
    wait_for,
)
from tests.browser.windows import TIMEOUT_MS, Profile

pytestmark = pytest.mark.browser

NOTE_ENDS = """
window.ends = [];
Sockgate.connect.client.on("unsubscribed", (channel, why) => ends.push(why.code));
Sockgate.connect.client.on("subscribed", (channel) => ends.push("subscribed"));
"""


@pytest.fixture
def page(site, log_in):
    site.show("for all", alice=["for alice"])
    page = log_in("alice").open("/orders/")
    expect_rows(page, "for all", "for alice")
    follow(page)
    page.evaluate(NOTE_ENDS)
    return page


def test_revoked_channel_takes_the_row_away_and_the_next_is_not_seen(site, page):
    site.show("for all")
    site.stack.run_in_django(
        "from sockgate import revoke_channel\n"
        "from django.contrib.auth.models import User\n"
        "revoke_channel(User.objects.get(username='alice'), 'orders')"
    )
    expect_rows(page, "for all")
    site.show("for all", "next", alice=[])
    # The view still gives the fragment, so that its grant is issued again, later than the mark.
    wait_for(page, "ends.includes('subscribed')")
    assert page.evaluate("ends[0]") == "revoked"
    site.touch("orders")
    expect_rows(page, "for all", "next")


def test_changed_rights_refresh_the_page(site, page):
    site.show("for all")
    site.stack.run_in_django(
        "from sockgate import refresh_grants\n"
        "from django.contrib.auth.models import User\n"
        "refresh_grants([User.objects.get(username='alice')])"
    )
    expect_rows(page, "for all")


def test_logout_elsewhere_empties_the_page(site, log_in):
    alice = log_in("alice")
    page = alice.open("/orders/")
    expect_rows(page, "first")
    follow(page)
    alice.open_board().log_out()
    expect_gone(page, "#rows")
    expect_gone(page, "#stock")
    site.show("next")
    site.touch("orders")
    expect_gone(page, "#rows")


def test_touch_that_a_browser_publishes_is_refused(site, page):
    code = page.evaluate(
        "new Promise((resolve) => Sockgate.connect.client.subscribe('orders')"
        ".publish('touch', null, (refusal) => resolve(refusal && refusal.code)))"
    )
    assert code in ("not_allowed", "bad_event")


def test_page_without_a_login_has_no_grant_and_no_connection(site, chromium):
    visitor = Profile(chromium, site.stack.origin)
    for path, channels in (
        ("/public/", {"public:orders": {"grant": None, "expires_in": 3600}}),
        ("/late/", {"orders": {}}),
    ):
        page = visitor.open(path)
        expect_rows(page, "first")
        text = page.locator("script[data-sockgate=live]").text_content()
        found = json.loads(text)["channels"]
        assert {name: _grant_of(one) for name, one in found.items()} == channels
        page.wait_for_timeout(500)  # A client would have been made by then.
        assert page.evaluate("Sockgate.connect.client || null") is None
    assert not [cookie for cookie in visitor._context.cookies() if cookie["name"] == "sessionid"]
    visitor.close()


def _grant_of(wanted):
    return {name: wanted[name] for name in ("grant", "expires_in") if name in wanted}


def test_visitor_of_an_open_site_is_live(tmp_path, chromium):
    with running_site(tmp_path / "open", "open_settings") as site:
        site.show("first")
        visitor = Profile(chromium, site.stack.origin)
        assert "Set-Cookie" not in visitor._context.request.get("/public/").headers
        for path in ("/public/", "/late/"):
            site.show("first")
            page = visitor.open(path)
            follow(page, "public:orders" if "public" in path else "orders")
            site.show("second")
            site.touch("orders", "public:orders")
            expect_rows(page, "second")
        visitor.close()


def test_page_that_is_open_longer_than_its_grants_stays_live(tmp_path, chromium):
    with running_site(tmp_path / "short", "short_settings", token_max_age="3") as site:
        site.show("first")
        alice = Profile(chromium, site.stack.origin).log_in("alice")
        page = alice.open("/orders/")
        follow(page)
        page.wait_for_timeout(4000)  # Longer than the grants' lifetime.
        page.evaluate(NOTE_ENDS)
        site.stack.gateway.stop()
        site.stack.gateway.start()
        wait_for(page, "ends.includes('subscribed')")
        site.show("second", version="v2")
        site.touch("stock")
        expect_rows(page, "second")
        expect(page.locator("#stock")).to_have_text("v2", timeout=TIMEOUT_MS)
        alice.close()


def test_right_to_a_row_of_another_user_is_never_given(site, page, log_in):
    bob = log_in("bob").open("/orders/")
    expect_rows(bob, "for all")
    site.show("for all", alice=["secret"])
    site.touch("orders")
    expect_rows(page, "for all", "secret")
    expect_text(bob, "#rows", "for all")
