"""The tutorial, done as it is written: each block is applied or run, and the page looked at."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.quickstart import Runserver, port_of_project
from tests.e2e.written import WrittenSite, steps_of
from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> WrittenSite:
    """The tutorial's project after its last step, each of which passes the checks."""
    board = WrittenSite(tmp_path_factory.mktemp("tutorial"))
    steps = steps_of(PAGE)
    assert len(steps) == 10
    for step in steps:
        board.do(step)
        assert "no issues" in board.manage("check").stdout
    return board


@pytest.fixture(scope="module")
def runserver(board: WrittenSite) -> Iterator[Runserver]:
    with Runserver(board, port_of_project()) as runserver:
        yield runserver.wait_until_ready()


def log_in(browser: Browser, origin: str, name: str) -> Page:
    page = browser.new_context().new_page()
    page.goto(f"{origin}/accounts/login/?next=/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", name)
    page.click("button")
    return page


@pytest.fixture
def patient() -> Iterator[None]:
    expect.set_options(timeout=PATIENCE_S * 1000)
    yield
    expect.set_options(timeout=None)


@pytest.mark.usefixtures("patient")
def test_two_people_edit_the_board(
    board: WrittenSite, runserver: Runserver, chromium: Browser
) -> None:
    alice = log_in(chromium, runserver.origin("127.0.0.1"), "alice")
    bob = log_in(chromium, runserver.origin("localhost"), "bob")
    for page in (alice, bob):
        expect(page.locator("#here")).to_have_text("alice, bob")
    expect(alice.locator("#cards")).to_contain_text("Raise the wages")
    expect(bob.locator("#cards")).not_to_contain_text("Raise the wages")

    alice.locator("[name=title]").press_sequentially("Half a ti")
    bob.click("text=Paint the door >> button")
    expect(alice.locator("#toast")).to_have_text("bob moved Paint the door")
    expect(alice.locator("h2:text('Doing') + ul")).to_contain_text("Paint the door")
    expect(alice.locator("[name=title]")).to_have_value("Half a ti")
    expect(alice.locator("[name=title]")).to_be_focused()

    alice.click("button:text('Count the stock')")
    expect(alice.locator("sockgate-progress")).to_contain_text("Finished")

    rights = "alice = User.objects.get(username='alice'); alice.is_staff = False; alice.save()"
    assert rights in PAGE
    board.manage("shell", "-c", rights)
    expect(alice.locator("#cards")).not_to_contain_text("Raise the wages")

    second = alice.context.new_page()
    second.goto(alice.url)
    second.click("button:text('Log out')")
    expect(alice.get_by_role("heading", name="You are signed out")).to_be_visible()
    expect(bob.locator("#here")).to_have_text("bob")
