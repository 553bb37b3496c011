"""Windows of a real browser on the demo's page, each login in a profile of its own."""

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

PATIENCE_MS = 15_000

TRANSPORTS = (
    "websocket",
    "xhr-streaming",
    "xhr-polling",
    "iframe-eventsource",
    "iframe-htmlfile",
    "iframe-xhr-polling",
    "jsonp-polling",
)
"""Those that Chromium can be made to use, as sockjs-client calls them."""

_REPORT = """
document.addEventListener("securitypolicyviolation", function (event) {
  reportViolation(event.violatedDirective + " " + event.blockedURI + " in " + event.documentURI);
});
"""


class Profile:
    """A browser with a login, and all that breaks its pages' Content-Security-Policy."""

    def __init__(self, browser: Browser, origin: str) -> None:
        self.origin = origin
        self.violations: list[str] = []
        self._context: BrowserContext = browser.new_context(base_url=origin)
        self._context.set_default_timeout(PATIENCE_MS)
        self._context.expose_function("reportViolation", self._note)
        self._context.add_init_script(_REPORT)
        self._context.on("console", self._listen)

    def log_in(self, name: str) -> "Profile":
        page = self._context.new_page()
        page.goto("/login/")
        page.fill("#id_username", name)
        page.fill("#id_password", f"{name}-demo")
        page.click("#login button")
        expect(page.locator("#who")).to_have_text(name)
        page.close()
        return self

    def open(self, path: str = "/") -> Page:
        page = self._context.new_page()
        page.goto(path)
        return page

    def open_board(self, transport: str = "") -> "Board":
        return Board(self.open(f"/?transport={transport}"))

    def cookie(self, name: str) -> str:
        """Give the value of a cookie that scripts cannot read."""
        return next(c["value"] for c in self._context.cookies() if c["name"] == name)

    def set_cookie(self, name: str, value: str) -> None:
        self._context.add_cookies([{"name": name, "value": value, "url": self.origin}])

    def close(self) -> None:
        self._context.close()

    def _note(self, violation: str) -> None:
        self.violations.append(violation)

    def _listen(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Refused to" in message.text:
            self.violations.append(message.text)


class Board:
    """The demo's page in a window."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def expect_connected(self, transport: str | None = None) -> "Board":
        self.expect_state("connected")
        if transport:
            expect(self.page.locator("#state-text")).to_have_text(f"connected · {transport}")
        return self

    def expect_state(self, state: str) -> None:
        pill = self.page.locator("#state")
        expect(pill).to_have_attribute("data-state", state, timeout=PATIENCE_MS)

    def expect_messages(self, *titles: str) -> None:
        """Wait until exactly these have arrived, the newest first as the page shows them."""
        texts = self.page.locator("#messages .text")
        expect(texts).to_have_text(list(titles), timeout=PATIENCE_MS)

    def expect_message(self, title: str, channel: str) -> None:
        """Wait until it has arrived on a channel, once, among others."""
        on_channel = self.page.locator(".channel", has_text=channel)
        items = self.page.locator("#messages li").filter(has_text=title).filter(has=on_channel)
        expect(items).to_have_count(1, timeout=PATIENCE_MS)

    def expect_hint(self, text: str) -> None:
        expect(self.page.locator("#state-hint")).to_contain_text(text)

    def channels(self) -> list[str]:
        return self.page.locator("#messages .channel").all_inner_texts()

    def log_out(self) -> None:
        self.page.get_by_role("button", name="Log out").click()
        expect(self.page.locator("#login")).to_be_visible()

    def close(self) -> None:
        self.page.close()
