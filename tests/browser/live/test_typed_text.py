"""What a person has typed stays theirs until the server has it, also under trusted types."""

import pytest
from playwright.sync_api import expect

from tests.browser.live.site import expect_text, follow

pytestmark = pytest.mark.browser


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


def test_alert_of_a_page_that_answers_a_post_stays_in_a_fragment_without_fields(site, log_in):
    page = log_in("alice").open("/alert/")
    page.click("#pay button")
    expect(page.locator("[role=alert]")).to_have_count(1)
    follow(page)
    for version in ("v2", "v3"):
        site.show(version=version)
        site.touch("orders")
        expect_text(page, "#stock", version)
    expect(page.locator("[role=alert]")).to_have_text("Your card was declined")
