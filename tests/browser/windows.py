"""Windows of a real browser with the demo's page. Each login has a browser profile of its own."""

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

TIMEOUT_MS = 15_000

TRANSPORTS = (
    "websocket",
    "xhr-streaming",
    "xhr-polling",
    "iframe-eventsource",
    "iframe-htmlfile",
    "iframe-xhr-polling",
    "jsonp-polling",
)
"""Transports that Chromium can use, with the names of sockjs-client."""

_REPORT = """
document.addEventListener("securitypolicyviolation", function (event) {
  const { violatedDirective, blockedURI, documentURI, sample, sourceFile, lineNumber } = event;
  const place = sample.split("|")[0] + " at " + sourceFile + ":" + lineNumber;
  reportViolation(violatedDirective + " " + blockedURI + " in " + documentURI + ": " + place);
});
"""


class Profile:
    """A browser profile with a login, and the violations of its pages' Content-Security-Policy."""

    def __init__(self, browser: Browser, origin: str) -> None:
        self.origin = origin
        self.violations: list[str] = []
        self._context: BrowserContext = browser.new_context(base_url=origin)
        self._context.set_default_timeout(TIMEOUT_MS)
        self._context.expose_function("reportViolation", self._note)
        self._context.add_init_script(_REPORT)
        self._context.on("console", self._check_console)

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
        """Return the value of a cookie, also one that scripts cannot read."""
        return next(c["value"] for c in self._context.cookies() if c["name"] == name)

    def set_cookie(self, name: str, value: str) -> None:
        self._context.add_cookies([{"name": name, "value": value, "url": self.origin}])

    def close(self) -> None:
        self._context.close()

    def _note(self, violation: str) -> None:
        self.violations.append(violation)

    def _check_console(self, message: ConsoleMessage) -> None:
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
        expect(pill).to_have_attribute("data-state", state, timeout=TIMEOUT_MS)

    def expect_messages(self, *titles: str) -> None:
        """Wait until the page shows exactly these messages, the newest first."""
        texts = self.page.locator("#messages .text")
        expect(texts).to_have_text(list(titles), timeout=TIMEOUT_MS)

    def expect_message(self, title: str, channel: str) -> None:
        """Wait until a message is shown once for a channel, among others."""
        on_channel = self.page.locator(".channel", has_text=channel)
        items = self.page.locator("#messages li").filter(has_text=title).filter(has=on_channel)
        expect(items).to_have_count(1, timeout=TIMEOUT_MS)

    def expect_hint(self, text: str) -> None:
        expect(self.page.locator("#state-hint")).to_contain_text(text)

    def channels(self) -> list[str]:
        return self.page.locator("#messages .channel").all_inner_texts()

    def log_out(self) -> None:
        self.page.get_by_role("button", name="Log out").click()
        expect(self.page.locator("#login")).to_be_visible()

    def close(self) -> None:
        self.page.close()
