"""``publish_html`` in real pages: a toast and a count in one line each."""

import pytest
from playwright.sync_api import expect

from tests.browser.live.site import expect_text, follow, wait_for
from tests.browser.windows import TIMEOUT_MS

pytestmark = pytest.mark.browser

PUBLISH = """
from django.contrib.auth.models import User
from sockgate import publish_html
alice = User.objects.get(username="alice")
"""


def test_toast_count_and_row_reach_their_pages(site, log_in):
    alice, bob = log_in("alice"), log_in("bob")
    pages = [alice.open("/toasts/"), alice.open("/pushed/"), bob.open("/toasts/")]
    for page in pages:
        wait_for(page, "Sockgate.connect.client?.state === 'connected'")
    for page in (pages[0], pages[2]):
        follow(page)
    site.stack.run_in_django(
        PUBLISH
        + """
publish_html(alice, "toasts", "toast.html", {"text": "<b>Hello</b>"})
publish_html(alice, "bell", "count.html", {"count": 3}, swap="replace")
publish_html("orders", "table", "row.html", {"count": 1})
publish_html("orders", "table", "row.html", {"count": 1})
publish_html("broadcast", "bell", "count.html", {"count": "!"}, swap="after")
"""
    )
    for page in pages[:2]:
        expect_text(page, "#toasts p", "<b>Hello</b>")
        expect_text(page, "#bell", "3")
    expect_text(pages[2], "#bell", "0")
    expect(pages[2].locator("body")).to_contain_text("0!", timeout=TIMEOUT_MS)
    expect_text(pages[2], "#table td", "1")
    expect(pages[2].locator("#toasts p")).to_have_count(0)
    expect(pages[1].locator("#table td")).to_have_count(0)  # It does not follow "orders".


def test_browser_cannot_publish_html(site, log_in):
    page = log_in("alice").open("/toasts/")
    follow(page)
    code = page.evaluate(
        "new Promise((resolve) => Sockgate.connect.client.subscribe('orders').publish("
        "'sockgate:html', {target: 'bell', swap: 'remove', html: ''}, "
        "(refusal) => resolve(refusal && refusal.code)))"
    )
    assert code in ("not_allowed", "bad_event")


FORM = """
from sockgate import publish_html
publish_html("orders", "shown", "form.html", {"pk": %d}, swap="outer")
publish_html("orders", "bell", "count.html", {"count": %d}, swap="replace")
"""
SHOWN = "[...document.forms].map((one) => [one.elements.pk.value, one.elements.text.value])"


def test_push_of_another_object_leaves_what_is_typed_with_its_own(site, log_in):
    page = log_in("alice").open("/toasts/")
    follow(page)
    for pk, text in ((1, "for one"), (2, "for one"), (3, "")):
        site.stack.run_in_django(FORM % (pk, pk))
        expect_text(page, "#bell", str(pk))
        if pk > 1:
            assert page.evaluate(SHOWN) == [["1", "for one"]]
        page.fill("#shown [name=text]", text)
    site.stack.run_in_django(FORM % (4, 4))
    expect_text(page, "#bell", "4")
    assert page.evaluate(SHOWN) == [["4", ""]]
