"""A program that may only PUBLISH, with the account of docs/security.md, shows nothing in pages."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from redis import Redis
from sockgate_gateway.wire.markup import PLAIN_MAX_AGE_S, MarkupSigner

from tests.browser.live.site import Site, wait_for
from tests.browser.windows import TIMEOUT_MS, Profile
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

SECURITY = Path(__file__).parents[3] / "docs" / "security.md"
PASSWORD = "a-password-of-the-tests"

ATTACKS = [
    "<img src=x onerror=\"document.title='taken'\">",
    "<iframe srcdoc=\"<script>top.document.title='taken'</script>\"></iframe>",
    '<meta http-equiv="refresh" content="0; url=/login/">',
    "<svg onload=\"document.title='taken'\"></svg>",
    "<b>taken</b>",
]
IS_CONNECTED = "() => window.Sockgate?.connect?.client?.state === 'connected'"
WATCH = "window.marks = []; Sockgate.connect.client.on('mark', (data) => marks.push(data))"


@pytest.fixture
def jobs(site: Site) -> Iterator[Redis]:
    """The account of the document, as the document writes it."""
    rule = re.search(r"`ACL SETUSER jobs on >… ([^`]*)`", SECURITY.read_text())
    assert rule
    site.redis.execute_command("ACL", "SETUSER", "jobs", "on", f">{PASSWORD}", *rule[1].split())
    port = site.redis.connection_pool.connection_kwargs["port"]
    with Redis(port=port, username="jobs", password=PASSWORD, protocol=2) as client:
        yield client
    site.redis.execute_command("ACL", "DELUSER", "jobs")


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


def forms_of(event: str, data: object) -> Iterator[str]:
    """Write a publication in the forms that ``JSON.parse`` reads as this event."""
    value = json.dumps(data)
    plain = f'{{"event":"{event}","data":{value}}}'
    yield plain
    yield f' \t\n{{ "event"\n:\t"{event}" , "data" : {value} }} \r\n'
    yield f'{{"data":{value},"event":"{event}"}}'
    yield f'{{"event":"{escaped(event)}","data":{value}}}'
    yield f'{{"{escaped("event")}":"{escaped(event).upper().replace("U", "u")}","data":{value}}}'
    yield f'{{"event":"news","data":1,"event":"{event}","data":{value}}}'
    yield f'{{"event":5,"data":1,"event":"{escaped(event)}","data":{value}}}'
    yield f'{{"event":"{event}","x":"\\ud800","data":{value}}}'
    yield f'{{"event":"{event}","x":1e999,"__proto__":{{}},"data":{value}}}'
    yield f'{plain[:-1]},"signed":"1700000000.{"A" * 43}"}}'
    yield f'{plain[:-1]},"signed":true}}'
    for head in ("#::nobody#", "#:::1:k#", "#::nobody:1:k2#", "#e:1#", "#e:2:nobody#"):
        yield head + plain
        yield head + f'{{"event":"{escaped(event)}","data":{value}}}'


def fragments() -> Iterator[str]:
    for html in ATTACKS:
        for swap in ("append", "prepend", "before", "after", "replace", "outer"):
            yield from forms_of("sockgate:html", {"target": "bell", "swap": swap, "html": html})


def streams() -> Iterator[str]:
    for html in ATTACKS:
        template = f"<template>{html}</template>"
        stream = f'<turbo-stream action="append" target="streamed">{template}</turbo-stream>'
        yield from forms_of("turbo-stream", stream)


def open_watching(log_in, path: str) -> Page:
    page = log_in("alice").open(path)
    wait_for(page, IS_CONNECTED)
    page.evaluate(WATCH)
    return page


def expect_unchanged(page: Page, jobs: Redis, attack) -> None:
    """Check that a page is the same when all publications of an attack have passed it."""
    body, title = page.evaluate("document.body.innerHTML"), page.title()
    for number in range(2):
        attack()
        jobs.publish("rt:broadcast", json.dumps({"event": "mark", "data": number}))
        wait_for(page, "(number) => marks.length > number", number)
    assert (page.evaluate("document.body.innerHTML"), page.title()) == (body, title)


@pytest.mark.parametrize("channel", ["rt:broadcast", "rt:orders"])
def test_fragments_of_a_publisher_account_are_not_shown(site, log_in, jobs, channel):
    page = open_watching(log_in, "/toasts/")
    wait_until(lambda: site.redis.pubsub_numsub("rt:orders") == [("rt:orders", 1)])

    def attack():
        assert all(jobs.publish(channel, text) for text in fragments())

    expect_unchanged(page, jobs, attack)


def test_streams_of_a_publisher_account_are_not_shown(site, chromium, jobs):
    alice = Profile(chromium, site.stack.origin)  # Turbo's own style violates the policy.
    page = open_watching(alice.log_in, "/streams/")
    wait_until(lambda: site.redis.pubsub_numsub("rt:orders") == [("rt:orders", 1)])

    def attack():
        assert all(jobs.publish("rt:orders", text) for text in streams())

    expect_unchanged(page, jobs, attack)
    alice.close()


def test_captured_markup_is_not_shown_elsewhere_or_later(site, log_in, jobs):
    page = open_watching(log_in, "/toasts/")
    wait_until(lambda: site.redis.pubsub_numsub("rt:orders") == [("rt:orders", 1)])
    with site.redis.pubsub() as spy:
        spy.subscribe("rt:user:captured")
        assert spy.get_message(timeout=TIMEOUT_MS / 1000)
        site.publisher.publish_html("user:captured", "bell", "<b>taken</b>")
        message = spy.get_message(timeout=TIMEOUT_MS / 1000)
        captured = str(message and message["data"])
    assert '"signed"' in captured
    payload = json.dumps(
        {
            "event": "sockgate:html",
            "data": {"target": "bell", "swap": "append", "html": "<b>taken</b>"},
        }
    ).encode()

    def signed(seconds: float) -> bytes:
        now = site.redis.time()[0]
        return MarkupSigner([site.stack.signing_key], lambda: now + seconds).sign(
            "rt:broadcast", payload
        )

    def attack():
        jobs.publish("rt:broadcast", captured)
        jobs.publish("rt:broadcast", captured.replace("user:captured", "broadcast"))
        jobs.publish("rt:broadcast", signed(-PLAIN_MAX_AGE_S - 5))
        jobs.publish("rt:broadcast", signed(+300))
        jobs.publish("rt:broadcast", signed(0).replace(b"<b>", b"<i>"))

    expect_unchanged(page, jobs, attack)
    jobs.publish("rt:broadcast", signed(0))  # So the attacks above would have been shown.
    expect(page.locator("#bell b")).to_have_text("taken", timeout=TIMEOUT_MS)
