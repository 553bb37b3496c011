"""A logout closes every window of that login, and no other."""

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def elsewhere(log_in_once):
    """Another login of the same user."""
    return log_in_once("alice")


@pytest.fixture(scope="module")
def bob(log_in_once):
    return log_in_once("bob")


@pytest.mark.parametrize("transport", ["websocket", "xhr-polling", "iframe-eventsource"])
def test_logout_closes_the_other_window_of_the_login(stack, log_in, elsewhere, bob, transport):
    alice = log_in("alice")
    one, other = (alice.open_board(transport).expect_connected(transport) for _ in range(2))
    other_login, bobs = (profile.open_board().expect_connected() for profile in (elsewhere, bob))
    one.log_out()
    other.expect_state("closed")
    other.expect_hint("session ended (4500)")
    stack.publish("user:1")
    other_login.expect_messages("Djangocon 2012")
    bobs.expect_connected()
    other.expect_messages()


def test_window_connects_again_after_logout_and_login(stack, log_in):
    alice = log_in("alice")
    board = alice.open_board().expect_connected()
    board.log_out()
    alice.log_in("alice")
    alice.open_board().expect_connected().expect_messages()
