"""A broadcast through Django's admin."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def pages(log_in):
    return [log_in(name).open_board().expect_connected("websocket") for name in ("alice", "bob")]


def compose(page, audience, text):
    page.get_by_label(audience, exact=True).check()
    page.get_by_label("Event:").fill("news")
    page.get_by_label("plain text").check()
    page.get_by_label("Data:").fill(text)


def test_admin_broadcast_reaches_everyone(log_in, pages):
    page = log_in("admin").open("/admin/sockgate/broadcast/add/")
    compose(page, "everyone", "Lunch is ready")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#connections")).to_have_text("2 connections")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Sent to 2 connections.")).to_be_visible()
    for board in pages:
        board.expect_messages("Lunch is ready")


def test_admin_broadcast_to_one_user_reaches_only_that_user(log_in, pages):
    alices, bobs = pages
    page = log_in("admin").open("/admin/sockgate/broadcast/add/")
    compose(page, "one user", "For bob")
    page.get_by_label("User:").fill("bob")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#connections")).to_have_text("1 connection")
    page.get_by_role("button", name="Send").click()
    bobs.expect_messages("For bob")
    alices.expect_messages()
