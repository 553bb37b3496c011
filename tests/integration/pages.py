"""Pages in a real Chromium, on the client library as it is built."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which
from typing import Any

from playwright.async_api import BrowserContext, Route, async_playwright
from playwright.async_api import Page as ChromiumPage

from .gatewayprocess import FRIEND, Gateway
from .lines import Line
from .relays import Relay
from .sequences import Listener

LIBRARY = Path(__file__).parents[2] / "clientjs" / "dist" / "sockgate.js"
TRANSPORTS = ("websocket", "xhr-streaming", "xhr-polling")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The page does not come from this machine, as far as Chromium knows.
    "--disable-features=LocalNetworkAccessChecks",
)
CONNECT = """
(given) => {
  const rt = Sockgate.connect({
    url: given.url,
    getToken: (answer) => answer(null, given.token),
    transports: [given.transport],
    reconnect: {minMs: 20, maxMs: 400},
  });
  rt.on("*", (data, message) => tell(["heard", message.channel, data]));
  rt.on("gap", (channel) => tell(["gap", channel, null]));
  rt.on("state", (state, detail) => {
    tell(["state", state, detail.code || 0]);
    // A session that Redis has forgotten for a moment is not lost to whoever tries again.
    if (state === "closed") setTimeout(() => rt.connect(), 100);
  });
  given.channels.forEach((channel) => rt.subscribe(channel, {grant: null}));
  setInterval(() => tell(["positions", null, rt._connection.parts.positions._heard]), 200);
}
"""


class Page:
    """A browser that comes back by itself, behind a relay of its own.

    Args:
        context: of Chromium.
        gateway: where it connects.
        token: what it shows.
        public: channels that it asks for.
        transport: the only one that it may use.

    ``listener`` holds what the library has given to the application; ``ends`` counts the codes
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
        self.way = transport
        self.listener = Listener()
        self.times_welcomed = 0
        self.ends: Counter[int] = Counter()
        self.gateway = gateway
        self._context = context
        self._page: ChromiumPage | None = None
        self._relay = Relay(gateway.port)

    async def run(self) -> None:
        """Be there."""
        self._page = page = await self._context.new_page()
        await page.expose_function("tell", self._take)
        await page.goto(FRIEND)
        given = {
            "url": f"http://127.0.0.1:{self._relay.port}/realtime",
            "token": self.token,
            "transport": self.way,
            "channels": self.public,
        }
        await page.evaluate(CONNECT, given)
        await asyncio.Event().wait()

    def cut(self) -> None:
        """Lose the connection without a word."""
        self._relay.cut()

    def move(self, gateway: Gateway, way: type[Line]) -> None:
        """Come back elsewhere."""
        self.gateway, self._relay.target = gateway, gateway.port
        self.cut()

    async def starve(self, seconds: float) -> None:
        """Read nothing for a while."""
        self._relay.hold()
        await asyncio.sleep(seconds)
        self._relay.release()

    async def leave(self) -> None:
        """Go for good."""
        if self._page:
            await self._page.close()
        await asyncio.to_thread(self._relay.stop)

    def _take(self, told: tuple[str, str, Any]) -> None:
        kind, what, detail = told
        if kind == "positions":
            self.listener.positions = detail
        elif kind != "state":
            entry = detail if kind == "heard" else Listener.GAP
            self.listener.heard.setdefault(what, []).append(entry)
        elif what == "connected":
            self.times_welcomed += 1
        elif what in ("waiting", "closed"):
            self.ends[detail] += 1


@asynccontextmanager
async def chromium() -> AsyncIterator[BrowserContext]:
    """Run Chromium; every address in it shows the library alone."""
    program = which("chromium")
    assert program, "Chromium is not installed"
    document = f"<!DOCTYPE html><script>{LIBRARY.read_text()}</script>"

    async def show(route: Route) -> None:
        await route.fulfill(body=document, content_type="text/html; charset=utf-8")

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        context = await browser.new_context()
        await context.route(f"{FRIEND}/**", show)
        yield context
        await browser.close()
