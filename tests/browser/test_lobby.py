"""The demo's lobby: its presence and its messages."""

import pytest
from playwright.sync_api import expect

from tests.browser.windows import TIMEOUT_MS

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def alice(log_in_once):
    return log_in_once("alice")


@pytest.fixture(scope="module")
def bob(log_in_once):
    return log_in_once("bob")


def expect_present(board, names):
    expect(board.page.locator("#present")).to_have_text(names, timeout=TIMEOUT_MS)


def test_lobby_shows_presence_and_messages(alice, bob):
    alices = alice.open_board().expect_connected()
    expect_present(alices, "alice")
    bobs = bob.open_board().expect_connected()
    for board in (alices, bobs):
        expect_present(board, "alice, bob")
    bobs.page.fill("#said", "Hello, alice")
    bobs.page.get_by_role("button", name="Say it").click()
    alices.expect_messages("Hello, alice")
    assert alices.channels() == ["room:lobby"]
    bobs.close()
    expect_present(alices, "alice")
    alices.close()


def test_page_shows_that_its_login_has_ended_when_it_cannot_send(log_in_once):
    admin = log_in_once("admin")
    first, board = admin.open_board().expect_connected(), admin.open_board().expect_connected()
    first.log_out()
    board.expect_state("closed")
    expect_present(board, "…")
    board.page.get_by_role("button", name="Say it").click()
    output = board.page.locator("form[action='/say/'] output")
    expect(output).to_have_text("Not sent: this page's login has ended.", timeout=TIMEOUT_MS)
