"""docs/channels.md: the chat of Channels' tutorial (``channels_chat/``) is ported as it says."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.quickstart import Runserver, port_of_project
from tests.e2e.written import WrittenSite, steps_of
from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

PAGE = (Path(__file__).parents[2] / "docs" / "channels.md").read_text()
BEFORE = Path(__file__).with_name("channels_chat")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> WrittenSite:
    site = WrittenSite(tmp_path_factory.mktemp("channels"))
    site.start("django-admin startproject mysite .", "mysite")
    shutil.copytree(BEFORE, site.folder, dirs_exist_ok=True)
    for gone in ("consumers.py", "routing.py"):
        (site.folder / "chat" / gone).unlink()
    steps = steps_of(PAGE)
    assert len(steps) == 3
    for step in steps:
        site.do(step)
    site.manage("migrate", "--verbosity=0")
    assert "no issues" in site.manage("check").stdout
    return site


@pytest.fixture(scope="module")
def runserver(site: WrittenSite) -> Iterator[Runserver]:
    with Runserver(site, port_of_project()) as runserver:
        yield runserver.wait_until_ready()


def enter(browser: Browser, origin: str, room: str) -> Page:
    page = browser.new_context().new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    page.goto(f"{origin}/chat/")
    page.fill("#room-name-input", room)
    page.click("#room-name-submit")
    page.wait_for_url(f"{origin}/chat/{room}/")
    page.wait_for_function("() => typeof room === 'object' && room.state === 'subscribed'")
    return page


def say(page: Page, text: str) -> None:
    page.fill("#chat-message-input", text)
    page.press("#chat-message-input", "Enter")


def test_visitors_chat_in_rooms(runserver: Runserver, chromium: Browser) -> None:
    origin = runserver.origin("127.0.0.1")
    one, other = (enter(chromium, origin, "lobby") for _ in range(2))
    elsewhere = enter(chromium, origin, "kitchen")
    say(one, "hello")
    expect(other.locator("#chat-log")).to_have_value("hello\n", timeout=PATIENCE_S * 1000)
    say(other, "and to you")
    for page in (one, other):
        log = page.locator("#chat-log")
        expect(log).to_have_value("hello\nand to you\n", timeout=PATIENCE_S * 1000)
    expect(elsewhere.locator("#chat-log")).to_have_value("")


def test_page_that_was_away_receives_what_it_missed(
    runserver: Runserver, chromium: Browser
) -> None:
    origin = runserver.origin("127.0.0.1")
    one, other = (enter(chromium, origin, "attic") for _ in range(2))
    other.context.set_offline(True)
    other.wait_for_function("() => Sockgate.connect.client.state === 'offline'")
    say(one, "are you there?")
    expect(one.locator("#chat-log")).to_have_value("are you there?\n", timeout=PATIENCE_S * 1000)
    other.context.set_offline(False)
    expect(other.locator("#chat-log")).to_have_value("are you there?\n", timeout=PATIENCE_S * 1000)
