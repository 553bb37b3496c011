"""Windows of the demo that share one connection, under its strict Content-Security-Policy."""

import pytest

from tests.browser.windows import TIMEOUT_MS

pytestmark = pytest.mark.browser

CONNECT = """
(timeout) => new Promise((resolve) => {
  const rt = window.shared = Sockgate.connect({shared: true});
  window.received = [];
  window.ended = new Promise((done) => {
    rt.on("state", (state, detail) => {
      if (state === "connected") resolve([rt.user, rt.connection]);
      if (state === "closed") done(detail.code);
    });
    setTimeout(() => { resolve(rt.state); done(rt.state); }, timeout);
  });
  rt.on("news", (data) => received.push(data.title));
})
"""


def test_windows_of_a_login_share_a_connection_until_logout(stack, log_in):
    alice = log_in("alice")
    one, other = (alice.open_board().expect_connected() for _ in range(2))
    first, second = (board.page.evaluate(CONNECT, TIMEOUT_MS) for board in (one, other))
    assert first == second
    assert first[0] == "1"
    stack.publish("user:1")
    for board in (one, other):
        board.expect_messages("Djangocon 2012")
        board.page.wait_for_function("received.length")  # The page's second client has its own way.
        assert board.page.evaluate("received") == ["Djangocon 2012"]
    one.log_out()
    assert other.page.evaluate("ended") == 4500
