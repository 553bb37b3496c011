"""A login ends in one window, and with it every window of that login, and no other."""

import pytest

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("transport", ["websocket", "xhr-polling", "iframe-eventsource"])
def test_logout_closes_the_other_window_of_the_login(stack, log_in, transport):
    alice = log_in("alice")
    one, other = alice.open_board(transport), alice.open_board(transport)
    elsewhere, bobs = log_in("alice").open_board(), log_in("bob").open_board()
    for board in (one, other, elsewhere, bobs):
        board.expect_connected()
    one.log_out()
    other.expect_state("closed")
    other.expect_hint("session ended (4500)")
    stack.publish("user:1")
    elsewhere.expect_messages("Djangocon 2012")
    bobs.expect_connected()
    other.expect_messages()


def test_window_that_was_logged_out_connects_again_after_a_login(stack, log_in):
    alice = log_in("alice")
    board = alice.open_board().expect_connected()
    board.log_out()
    alice.log_in("alice")
    alice.open_board().expect_connected().expect_messages()
