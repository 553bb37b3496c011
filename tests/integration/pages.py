"""Pages in a real Chromium, on the client library as it is built."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from playwright.async_api import BrowserContext, Route, async_playwright
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page as ChromiumPage

from tests.chromium import FLAGS, program
from tests.integration.gatewayprocess import FRIEND, Gateway
from tests.integration.lines import Line
from tests.integration.relays import Relay
from tests.integration.sequences import ClientState

LIBRARY = Path(__file__).parents[2] / "clientjs" / "dist" / "sockgate-full.js"
REMEMBERED = 40
ANSWER_S = 20
TRANSPORTS = ("websocket", "xhr-streaming", "xhr-polling")
CONNECT = """
(given) => {
  const rt = window.rt = Sockgate.connect({
    url: given.url,
    getToken: (answer) => answer(null, given.token),
    transports: [given.transport],
    reconnect: {minMs: 20, maxMs: 400},
  });
  rt.on("*", (data, message) => report(["message", message.channel, data]));
  rt.on("gap", (channel) => report(["gap", channel, null]));
  rt.on("state", (state, detail) => {
    report(["state", state, detail.code || 0]);
    // A session that is missing in Redis for a moment is valid again at a later attempt.
    if (state === "closed") setTimeout(() => rt.connect(), 100);
  });
  given.channels.forEach((channel) => rt.subscribe(channel, {grant: null}));
  const positions = rt._connection.parts.positions;
  setInterval(() => report(["positions", null, positions.recover(() => false)]), 200);
}
"""
EXPLAIN = """
() => [rt.state, rt._connection.state, rt._connection.socket && Object.keys(rt._connection.socket),
       navigator.onLine, document.hidden, rt._connection.parts.positions.recover(() => false)]
"""


class Page:
    """A page that reconnects by itself, behind a relay of its own.

    Args:
        context: of Chromium.
        gateway: where it connects.
        token: the token of its connect frame.
        public: channels that it asks for.
        transport: the only one that it may use.

    ``state`` holds the messages that the application received; ``ends`` counts the codes
    with which connections ended.
    """

    def __init__(
        self,
        context: BrowserContext,
        gateway: Gateway,
        token: str,
        public: Sequence[str],
        transport: str,
    ) -> None:
        self.token = token
        self.public = tuple(public)
        self.transport = transport
        self.state = ClientState()
        self.times_welcomed = 0
        self.ends: Counter[int] = Counter()
        self.gateway = gateway
        self._context = context
        self._page: ChromiumPage | None = None
        self._relay = Relay(gateway.port)
        self._states = deque[tuple[float, str, int]](maxlen=REMEMBERED)
        self._reported_at = 0.0

    async def run(self) -> None:
        """Open the page and stay connected."""
        self._page = page = await self._context.new_page()
        await page.expose_function("report", self._take)
        page.on("crash", lambda _: self._states.append((monotonic(), "crash", 0)))
        page.on("pageerror", lambda error: self._states.append((monotonic(), str(error), 0)))
        await page.goto(FRIEND)
        given = {
            "url": f"http://127.0.0.1:{self._relay.port}/realtime",
            "token": self.token,
            "transport": self.transport,
            "channels": self.public,
        }
        await page.evaluate(CONNECT, given)
        await asyncio.Event().wait()

    def cut(self) -> None:
        """Cut the connection without a close frame."""
        self._relay.cut()

    def move(self, gateway: Gateway, transport: type[Line]) -> None:
        """Reconnect to another gateway."""
        self.gateway, self._relay.target = gateway, gateway.port
        self.cut()

    def starve(self) -> None:
        """Read nothing until ``read_on``."""
        self._relay.hold()

    def read_on(self) -> None:
        """Read again."""
        self._relay.release()

    async def explain(self) -> str:
        """Describe the page: what it reported last, and its state now."""
        now = monotonic()
        last = [(f"{now - at:.1f} s ago", state, code) for at, state, code in self._states]
        relay = f"relay {self._relay.describe()}; reported {now - self._reported_at:.1f} s ago"
        try:
            async with asyncio.timeout(ANSWER_S):
                page = await self._page.evaluate(EXPLAIN) if self._page else "no page"
        except (PlaywrightError, TimeoutError) as error:
            page = repr(error)
        return f"{self.transport}: {last}; {relay}; now {page}"

    async def leave(self) -> None:
        """Close the page."""
        if self._page:
            await self._page.close()
        await asyncio.to_thread(self._relay.stop)

    def _take(self, report: tuple[str, str, Any]) -> None:
        kind, what, detail = report
        self._reported_at = monotonic()
        if kind == "state":
            self._states.append((self._reported_at, what, detail))
        if kind == "positions":
            self.state.positions = detail
        elif kind != "state":
            entry = detail if kind == "message" else ClientState.GAP
            self.state.received.setdefault(what, []).append(entry)
        elif what == "connected":
            self.times_welcomed += 1
        elif what in ("waiting", "closed"):
            self.ends[detail] += 1


@asynccontextmanager
async def open_chromium() -> AsyncIterator[BrowserContext]:
    """Run Chromium; every address in it shows the library alone."""
    document = f"<!DOCTYPE html><script>{LIBRARY.read_text()}</script>"

    async def show(route: Route) -> None:
        await route.fulfill(body=document, content_type="text/html; charset=utf-8")

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program(), args=FLAGS)
        context = await browser.new_context()
        await context.route(f"{FRIEND}/**", show)
        yield context
        await browser.close()
