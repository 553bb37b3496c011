"""The gateway or Redis goes away under a connected page, and comes back."""

import pytest

pytestmark = pytest.mark.browser

GAP = "Messages may have been lost here: the gateway had lost Redis."


@pytest.fixture
def board(log_in):
    return log_in("alice").open_board().expect_connected()


def test_page_survives_a_killed_gateway(stack, board):
    stack.gateway.kill()
    board.expect_state("waiting")
    stack.gateway.start()
    board.expect_connected("websocket")
    stack.publish("user:1")
    board.expect_messages("Djangocon 2012")


def test_page_survives_a_restarted_gateway(stack, board):
    stack.gateway.stop()
    board.expect_state("waiting")
    stack.gateway.start()
    board.expect_connected("websocket")
    stack.publish("user:1")
    board.expect_messages("Djangocon 2012")


@pytest.mark.parametrize("transport", ["websocket", "xhr-polling"])
def test_page_survives_a_killed_redis(stack, log_in, transport):
    board = log_in("alice").open_board(transport).expect_connected()
    stack.valkey.terminate()
    board.expect_state("interrupted")
    stack.valkey.start()
    board.expect_connected(transport)
    stack.publish("user:1")
    board.expect_messages("Djangocon 2012", GAP, GAP)
