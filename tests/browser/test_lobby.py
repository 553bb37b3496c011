"""The demo's lobby: who is there, and what is said to them."""

import pytest
from playwright.sync_api import expect

from .windows import PATIENCE_MS

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def alice(log_in_once):
    return log_in_once("alice")


@pytest.fixture(scope="module")
def bob(log_in_once):
    return log_in_once("bob")


def expect_present(board, names):
    expect(board.page.locator("#present")).to_have_text(names, timeout=PATIENCE_MS)


def test_lobby_shows_who_comes_and_goes_and_what_is_said(alice, bob):
    hers = alice.open_board().expect_connected()
    expect_present(hers, "alice")
    his = bob.open_board().expect_connected()
    for board in (hers, his):
        expect_present(board, "alice, bob")
    his.page.fill("#said", "Hello, alice")
    his.page.get_by_role("button", name="Say it").click()
    hers.expect_messages("Hello, alice")
    assert hers.channels() == ["room:lobby"]
    his.close()
    expect_present(hers, "alice")
    hers.close()


def test_page_whose_login_has_ended_says_why_it_sends_nothing(log_in_once):
    admin = log_in_once("admin")
    left, board = admin.open_board().expect_connected(), admin.open_board().expect_connected()
    left.log_out()
    board.expect_state("closed")
    expect_present(board, "…")
    board.page.get_by_role("button", name="Say it").click()
    output = board.page.locator("form[action='/say/'] output")
    expect(output).to_have_text("Not sent: this page's login has ended.", timeout=PATIENCE_MS)
