"""htmx, Turbo, Alpine and Stimulus with the real libraries, under a strict policy."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.live.site import expect_text, follow
from tests.browser.windows import TIMEOUT_MS, Profile
from tests.waiting import wait_until

pytestmark = pytest.mark.browser


def open_subscribed(log_in, path: str) -> Page:
    page = log_in("alice").open(path)
    follow(page)
    return page


def expect_left(site, page: Page) -> None:
    """Wait until nobody is subscribed, so that the gateway has left the channel, too."""
    page.evaluate("probe.unsubscribe()")
    wait_until(lambda: site.redis.pubsub_numsub("rt:orders") == [("rt:orders", 0)])


def test_htmx_extension_triggers_events_of_channels(site, log_in):
    page = open_subscribed(log_in, "/extension/")
    page.evaluate(
        "window.details = []; paid.addEventListener('sg:paid', ({detail}) => "
        "details.push([detail.data, detail.channel]))"
    )
    site.stack.publish("orders", {"event": "other", "data": 1})
    site.stack.publish("orders", {"event": "paid", "data": {"id": 7}})
    expect_text(page, "#part", "part paid")
    assert page.evaluate("details") == [[{"id": 7}, "orders"]]
    site.touch("broadcast")
    expect_text(page, "#own", "part touched")


def test_htmx_extension_leaves_the_channel_with_its_element(site, log_in):
    page = open_subscribed(log_in, "/extension/")
    page.evaluate("htmx.swap('#paid', '', {swapStyle: 'outerHTML'})")
    expect(page.locator("#paid")).to_have_count(0, timeout=TIMEOUT_MS)
    expect_left(site, page)


def test_turbo_stream_source_feeds_turbo(site, chromium):
    alice = Profile(chromium, site.stack.origin)
    page = open_subscribed(alice.log_in, "/streams/")
    row = "<template><li>{}</li></template>"
    stream = f'<turbo-stream action="append" target="streamed">{row}</turbo-stream>'
    for number in range(2):
        site.publisher.publish_to("orders", "turbo-stream", stream.format(number))
    expect(page.locator("#streamed li")).to_have_text(["0", "1"], timeout=TIMEOUT_MS)
    site.stack.publish("orders", {"event": "turbo-stream", "data": stream.format("forged")})
    page.evaluate("document.querySelector('sockgate-stream-source').remove()")
    site.publisher.publish_to("orders", "turbo-stream", stream.format("late"))
    page.wait_for_timeout(500)  # It would have arrived by then.
    expect(page.locator("#streamed li")).to_have_text(["0", "1"])
    # Turbo's own style, for its progress bar.
    assert [violation for violation in alice.violations if "style" not in violation] == []
    alice.close()


@pytest.mark.parametrize("name", ["alpine", "stimulus"])
def test_recipe_of_the_document_works(site, log_in, name):
    page = open_subscribed(log_in, f"/{name}/")
    for count in (3, 4):
        site.stack.publish("orders", {"event": "paid", "data": {"count": count}})
        expect_text(page, "#count", str(count))
    page.evaluate("document.querySelector('#orders').remove()")
    expect_left(site, page)
