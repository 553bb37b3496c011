"""A page of the demo with a subscription."""

from playwright.sync_api import Page

from tests.browser.windows import TIMEOUT_MS

SUBSCRIBE = """
(options) => {
  const reconnect = {minMs: 400, maxMs: 1000};
  const rt = Sockgate.connect({transports: [options.transport], reconnect: reconnect});
  const room = rt.subscribe(options.channel, {recover: options.recover});
  window.received = [];
  for (const event of ["subscribed", "unsubscribed", "gap", ...options.more]) {
    room.on(event, (channel, frame) => received.push([event, frame.code || frame.user || null]));
  }
  room.on("news", (data) => received.push(["news", data]));
  Object.assign(window, {rt, room});
}
"""


# The loop runs in the page: its policy forbids Playwright's repeated evaluation.
WAIT = """
({condition, timeout}) => new Promise((resolve) => {
  const deadline = Date.now() + timeout;
  const isTrue = {
    received: (count) => received.length >= count,
    state: (state) => rt.state === state,
  };
  (function check() {
    const [[name, wanted]] = Object.entries(condition);
    if (isTrue[name](wanted) || Date.now() > deadline) resolve(rt.state);
    else setTimeout(check, 10);  // Poll: not every condition has an event.
  })();
})
"""


class Room:
    """A page with a subscription, on a connection beside the demo's own."""

    def __init__(
        self,
        page: Page,
        channel: str,
        *more: str,
        transport: str = "websocket",
        recover: int | str = 0,
    ) -> None:
        self._page = page
        given = {"channel": channel, "more": more, "transport": transport, "recover": recover}
        page.evaluate(SUBSCRIBE, given)

    def expect(self, *received: list[object]) -> "Room":
        """Wait until the page has received exactly these events since the last call."""
        self._wait(received=len(received))
        events = self._page.evaluate("received.splice(0)")
        assert events == [list(one) for one in received], events
        return self

    def expect_state(self, state: str) -> None:
        assert self._wait(state=state) == state

    def _wait(self, **condition: object) -> str:
        options = {"condition": condition, "timeout": TIMEOUT_MS}
        return str(self._page.evaluate(WAIT, options))

    def presence(self) -> dict[str, object]:
        script = "new Promise((r) => room.presence((refusal, frame) => r(refusal || frame)))"
        return dict(self._page.evaluate(script))

    def unsubscribe(self) -> None:
        self._page.evaluate("room.unsubscribe()")

    def close(self) -> None:
        self._page.close()
