"""The gateway or Redis stops while a page is connected, and starts again."""

from contextlib import contextmanager

import pytest

from tests.browser.windows import TRANSPORTS

pytestmark = pytest.mark.browser

GAP = "Messages on this channel may have been lost."

# Chromium does not notify a page when the stream of an htmlfile breaks off. The client detects the
# silence after two and a half heartbeats.
PROMPT = [name for name in TRANSPORTS if name != "iframe-htmlfile"]


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
    """Stop a server for the block."""
    end()
    try:
        yield
    finally:
        start()


@pytest.mark.parametrize(
    ("end", "transport"),
    [*(("kill", name) for name in PROMPT), *(("stop", name) for name in TRANSPORTS)],
)
def test_page_reconnects_after_the_gateway_was_killed(stack, open_board, end, transport):
    """The gateway is killed, or restarted."""
    board = open_board(transport)
    with away(getattr(stack.gateway, end), stack.gateway.start):
        board.expect_state("waiting")
    board.expect_connected(transport)
    stack.publish("user:1")
    board.expect_messages("Djangocon 2012")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_page_resumes_after_redis_was_killed(stack, open_board, transport):
    board = open_board(transport)
    with away(stack.valkey.terminate, stack.valkey.start):
        board.expect_state("interrupted")
    board.expect_connected(transport)
    stack.publish("user:1")
    board.expect_message("Djangocon 2012", "user:1")
    for channel in ("user:1", "broadcast"):
        board.expect_message(GAP, channel)
