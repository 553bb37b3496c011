"""What a developer sees in DEBUG: the badge in the page, and the warning in the console."""

import pytest
from playwright.sync_api import expect

from tests.browser.windows import TIMEOUT_MS

pytestmark = pytest.mark.browser


def badge_of(page):
    return page.locator("#sockgate-badge section")


def expect_summary(page, text):
    expect(badge_of(page).locator("#summary")).to_have_text(text, timeout=TIMEOUT_MS)


def test_badge_shows_the_state_and_says_what_to_check(stack, log_in):
    page = log_in("alice").open_board("websocket").expect_connected().page
    expect_summary(page, "Sockgate: connected, websocket")
    details = badge_of(page).locator("dl")
    expect(details).to_be_hidden()
    summary = badge_of(page).get_by_role("button", name="Sockgate: connected")
    summary.press("Enter")
    expect(summary).to_have_attribute("aria-expanded", "true")
    stack.publish("user:1")
    expect(details).to_contain_text("news on user:1", timeout=TIMEOUT_MS)
    summary.press("Enter")
    with page.expect_console_message(lambda message: "cannot connect" in message.text) as warning:
        page.evaluate(
            "Sockgate.connect({url: '/nowhere', token: 't', tokenUrl: null,"
            " reconnect: {minMs: 1, maxMs: 1}})"
        )
    expect(details.get_by_role("status")).to_contain_text("#close-1002", timeout=TIMEOUT_MS)
    assert warning.value.text.startswith("sockgate: cannot connect: 1002 ")
    expect(details.get_by_role("status")).to_contain_text("Check that the gateway runs")
    badge_of(page).get_by_role("button", name="Hide this badge").click()
    expect(badge_of(page)).to_be_hidden()
    page.reload()
    expect(page.locator("#sockgate-badge")).to_have_count(0)


def test_page_without_a_login_makes_no_request(stack, chromium):
    """The configuration is that of a page without a login; the client is the site's own."""
    context = chromium.new_context(base_url=stack.origin)
    page = context.new_page()
    page.goto("/login/")
    page.add_script_tag(url="/static/sockgate/sockgate.js")
    requests, warnings = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: warnings.append(message.text))
    state = page.evaluate(
        "new Promise((resolve) => { const rt = Sockgate.connect({loginRequired: true});"
        " rt.onstate = (state, detail) => state === 'closed' && resolve(detail); })"
    )
    assert state == {"code": 401, "reason": "not signed in"}
    assert (requests, warnings) == ([], [])
    context.close()
