"""Content of users commands nothing, and what a person has typed stays theirs."""

import pytest
from playwright.sync_api import expect

from tests.browser.live.site import expect_rows, expect_text, follow

pytestmark = pytest.mark.browser


def test_content_of_users_is_no_order_under_trusted_types(site, log_in):
    page = log_in("alice").open("/hostile/")
    expect(page.locator("[data-sockgate-live]")).to_have_count(2)
    follow(page)
    site.show("second", version="v2")
    site.touch("orders")
    expect_rows(page, "second")
    # Outside of the fragment it is as it was, and inside it was moderated.
    expect(page.locator("[data-sockgate-live]")).to_have_text(["v1", "v2"])
    assert site.redis.pubsub_numsub("rt:spy") == [("rt:spy", 0)]


def test_errors_and_typed_text_of_a_form_stay_until_the_server_has_them(site, log_in):
    page = log_in("alice").open("/card/")
    page.evaluate("document.querySelector('#card').noValidate = true; id_title.maxLength = 99")
    page.fill("#id_title", "much too long for it")
    page.select_option("#id_color", "blue")
    page.check("#id_done")
    page.click("#card button")
    expect(page.locator(".errorlist li")).to_have_count(1)
    follow(page)
    for version in ("v2", "v3"):
        site.show(version=version)
        site.touch("orders")
        expect_text(page, "#stock", version)
    shown = page.evaluate("[id_title.value, id_color.value, id_done.checked]")
    assert shown == ["much too long for it", "blue", True]
    expect(page.locator(".errorlist li")).to_have_count(1)


def test_field_that_the_server_has_taken_follows_it(site, log_in):
    page = log_in("alice").open("/card/")
    follow(page)
    page.locator("#id_title").press_sequentially("mine")
    for title, shown in (("bob", "mine"), ("mine", "mine"), ("newer", "newer")):
        site.put("title", title)
        site.show(version=title)
        site.touch("orders")
        expect_text(page, "#stock", title)
        expect(page.locator("#id_title")).to_have_value(shown)
