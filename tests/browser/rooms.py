"""A page of the demo that has asked for a channel."""

from playwright.sync_api import Page

from .windows import PATIENCE_MS

SUBSCRIBE = """
(given) => {
  const reconnect = {minMs: 400, maxMs: 1000};
  const rt = Sockgate.connect({transports: [given.transport], reconnect: reconnect});
  const room = rt.subscribe(given.channel);
  window.told = [];
  for (const event of ["subscribed", "unsubscribed", "gap", ...given.more]) {
    room.on(event, (channel, frame) => told.push([event, frame.code || frame.user || null]));
  }
  room.on("news", (data) => told.push(["news", data]));
  Object.assign(window, {rt, room});
}
"""


# Within the page, for its policy lets nothing be evaluated there again and again.
WAIT = """
({condition, patience}) => new Promise((resolve) => {
  const deadline = Date.now() + patience;
  const isTrue = {
    told: (count) => told.length >= count,
    state: (state) => rt.state === state,
  };
  (function look() {
    const [[name, wanted]] = Object.entries(condition);
    if (isTrue[name](wanted) || Date.now() > deadline) resolve(rt.state);
    else setTimeout(look, 10);
  })();
})
"""


class Room:
    """A page that has asked for a channel, beside the demo's own connection."""

    def __init__(self, page: Page, channel: str, *more: str, transport: str = "websocket") -> None:
        self._page = page
        page.evaluate(SUBSCRIBE, {"channel": channel, "more": more, "transport": transport})

    def expect(self, *told: list[object]) -> "Room":
        """Wait until the page was told exactly this since it was last asked."""
        self._wait(told=len(told))
        heard = self._page.evaluate("told.splice(0)")
        assert heard == [list(one) for one in told], heard
        return self

    def expect_state(self, state: str) -> None:
        assert self._wait(state=state) == state

    def _wait(self, **condition: object) -> str:
        given = {"condition": condition, "patience": PATIENCE_MS}
        return str(self._page.evaluate(WAIT, given))

    def presence(self) -> dict[str, object]:
        ask = "new Promise((r) => room.presence((refusal, who) => r(refusal || who)))"
        return dict(self._page.evaluate(ask))

    def leave(self) -> None:
        self._page.evaluate("room.unsubscribe()")

    def close(self) -> None:
        self._page.close()
