"""The gateway or Redis goes away under a connected page, and comes back."""

from contextlib import contextmanager

import pytest

from .windows import TRANSPORTS

pytestmark = pytest.mark.browser

GAP = "Messages may have been lost here: the gateway had lost Redis."

# Chromium tells a page nothing when the stream behind an htmlfile breaks off; the client notices
# the silence, after two and a half heartbeats.
NOTICING = [name for name in TRANSPORTS if name != "iframe-htmlfile"]


@pytest.fixture(scope="module")
def alice(log_in_once):
    return log_in_once("alice")


@pytest.fixture
def open_board(alice):
    boards = []

    def open_board(transport):
        boards.append(alice.open_board(transport).expect_connected(transport))
        return boards[-1]

    yield open_board
    for board in boards:
        board.close()


@contextmanager
def away(end, start):
    """Let a server be away for a while."""
    end()
    try:
        yield
    finally:
        start()


@pytest.mark.parametrize(
    ("end", "transport"),
    [*(("kill", name) for name in NOTICING), *(("stop", name) for name in TRANSPORTS)],
)
def test_page_survives_a_gateway_that_goes(stack, open_board, end, transport):
    """Killed, or restarted."""
    board = open_board(transport)
    with away(getattr(stack.gateway, end), stack.gateway.start):
        board.expect_state("waiting")
    board.expect_connected(transport)
    stack.publish("user:1")
    board.expect_messages("Djangocon 2012")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_page_survives_a_killed_redis(stack, open_board, transport):
    board = open_board(transport)
    with away(stack.valkey.terminate, stack.valkey.start):
        board.expect_state("interrupted")
    board.expect_connected(transport)
    stack.publish("user:1")
    board.expect_message("Djangocon 2012", "user:1")
    for channel in ("user:1", "broadcast"):
        board.expect_message(GAP, channel)
