"""Tabs of a real Chromium that share one connection, on a site that counts the logins."""

import json
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import BrowserContext, Page
from playwright.sync_api import Error as PlaywrightError

from tests.integration.gatewayprocess import Django, Gateway

DIST = Path(__file__).parents[3] / "clientjs" / "dist"
SCRIPTS = ("sockgate.js", "sockgate-shared.js", "sockgate-sockjs.js", "sockgate-state.js")
CRASH_LIMIT_MS = 5000

ROOM = "room:7"
MAX_PUBLICATION = 100_000
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self' http: ws:"

WITHOUT_WORKER = "delete window.SharedWorker;"
WITHOUT_LOCKS = "delete Navigator.prototype.locks;"

CONNECT = """
(given) => {
  const rt = window.rt = Sockgate.connect({
    url: given.url, tokenUrl: "/token", token: given.token, expiresIn: 3600, grantUrl: null,
    shared: true, sharedUrl: "/sockgate-shared.js", sockjsUrl: "/sockgate-sockjs.js",
    reconnect: {minMs: 100, maxMs: 400}, ...given.options,
  });
  const events = window.events = [];
  rt.on("state", (state, detail) => events.push(["state", state, detail.code || null]));
  rt.on("user", (now, before) => events.push(["user", now, before]));
  for (const event of ["subscribed", "unsubscribed", "gap"]) {
    rt.on(event, (channel) => events.push([event, channel, null]));
  }
  rt.on("*", (data, message) => events.push(["message", message.channel, data]));
  window.rooms = {};
  for (const name of given.channels) {
    rooms[name] = rt.subscribe(name, {grant: null, recover: given.recover});
  }
}
"""

WAIT = """
([condition, timeout]) => new Promise((resolve) => {
  const isTrue = {
    state: (state) => rt.state === state,
    subscribed: (channel) => rooms[channel].state === "subscribed",
    // A tab that joins late does not receive a number that was published before.
    message: (data) => events.some(([kind, , got]) => kind === "message" &&
      (got === data || (typeof data === "number" && got > data))),
    event: (event) => events.some(([kind]) => kind === event),
  };
  const deadline = Date.now() + timeout;
  (function check() {
    const isMet = Object.entries(condition).every(([name, wanted]) => isTrue[name](wanted));
    if (isMet || Date.now() > deadline) resolve(isMet);
    else setTimeout(check, 10);  // Poll: not every condition has an event.
  })();
})
"""


class SharedSite:
    """A site with nothing but pages, the client's scripts, tokens, and the state of a channel.

    Args:
        port: of the site.
        token: issues one.
        state: returns what a page loads from ``/state``; an exception is HTTP 500.
    """

    def __init__(
        self, port: int, token: Callable[[], str], state: Callable[[], Any] = lambda: None
    ) -> None:
        self.tokens_requested = self.states_requested = 0
        self._token = token
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.strip("/")
                if name in SCRIPTS:
                    self._answer("text/javascript", (DIST / name).read_bytes())
                elif name == "state":
                    self._answer_state()
                else:
                    page = b"<!DOCTYPE html><head></head><script src=/sockgate.js></script>"
                    self._answer("text/html; charset=utf-8", page)

            def do_POST(self) -> None:
                site.tokens_requested += 1
                body = json.dumps({"token": site._token(), "expires_in": 3600})
                self._answer("application/json", body.encode())

            def _answer_state(self) -> None:
                site.states_requested += 1
                try:
                    body = json.dumps(state()).encode()
                except OSError:
                    self.send_error(500)
                else:
                    self._answer("application/json", body)

            def _answer(self, kind: str, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", POLICY)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.origin = f"http://127.0.0.1:{port}"
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class SharedTab:
    """One tab. ``crash`` ends it without notice to the page."""

    def __init__(
        self,
        context: BrowserContext,
        site: SharedSite,
        gateway: Gateway,
        token: str,
        *channels: str,
        recover: list[Any] | int | str | None = None,
        **options: Any,
    ) -> None:
        self.page: Page = context.new_page()
        self.page.goto(site.origin)
        url = f"http://127.0.0.1:{gateway.port}/realtime"
        given = {"url": url, "token": token, "channels": channels, "options": options}
        if recover:
            given["recover"] = recover
        self.page.evaluate(CONNECT, given)
        self._channels = channels

    def ready(self) -> "SharedTab":
        self.wait(state="connected")
        for channel in self._channels:
            self.wait(subscribed=channel)
        return self

    def wait(self, timeout_s: float = 30, **condition: object) -> None:
        given = [condition, timeout_s * 1000]
        assert self.page.evaluate(WAIT, given), (condition, self.events())

    def events(self, *kinds: str) -> list[list[Any]]:
        events = self.page.evaluate("events")
        return [event for event in events if not kinds or event[0] in kinds]

    def messages(self, channel: str) -> list[Any]:
        return [data for _, name, data in self.events("message") if name == channel]

    def close(self) -> None:
        self.page.close()

    def crash(self) -> None:
        """Let the process of the page crash."""
        with suppress(PlaywrightError):  # It says that the page has crashed.
            self.page.goto("chrome://crash", timeout=CRASH_LIMIT_MS)

    def hang(self, seconds: float = 12) -> None:
        """Let the page do nothing for so long, as a frozen one does."""
        busy = "setTimeout((s) => { for (const end = Date.now() + s * 1000; Date.now() < end;); }"
        self.page.evaluate(f"(s) => void {busy}, 0, s)", seconds)


Open = Callable[..., SharedTab]


def opener(
    context: BrowserContext, site: SharedSite, gateway: Gateway, django: Django, script: str = ""
) -> Open:
    """Log in, and return a function that opens a tab; each page runs the script first."""
    context.add_init_script(script or ";")
    token = django.log_in("sid", ttl_s=3000)

    def open_tab(*channels: str, token: str = token, **options: Any) -> SharedTab:
        return SharedTab(context, site, gateway, token, *channels, **options)

    return open_tab


def connections(gateway: Gateway) -> int:
    return int(gateway.metric("sockgate_connections"))
