"""Chromium driven by its DevTools protocol alone.

Playwright shows every page as visible. Here a tab in the background is hidden, and can be frozen.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.chromium import FLAGS, program
from tests.ports import HOST
from tests.waiting import wait_until

ANSWER_S = 60


class DevTools:
    """A connection to a running Chromium."""

    def __init__(self, link: ClientConnection) -> None:
        self._link = link
        self._numbers = count(1)

    def call(self, method: str, session: str = "", **params: Any) -> Any:
        """Send a command, to a tab if a session is given, and return its result.

        Raises:
            AssertionError: Chromium answers with an error.
        """
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": params}
        self._link.send(json.dumps({**command, "sessionId": session} if session else command))
        while True:
            answer = json.loads(self._link.recv(timeout=ANSWER_S))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def open(self, url: str) -> "Tab":
        """Open a URL in a new tab in front, and wait until it is loaded."""
        target = self.call("Target.createTarget", url=url)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, target, session)
        tab.activate()
        wait_until(lambda: tab.has_loaded(url))
        return tab


class Tab:
    """A tab of the browser."""

    def __init__(self, browser: DevTools, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression, as JSON; a promise is awaited.

        Raises:
            AssertionError: the expression raises.
        """
        options = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = self._browser.call("Runtime.evaluate", self._session, **options)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def has_loaded(self, url: str) -> bool:
        """Return whether the tab has loaded a URL."""
        try:
            return bool(self.evaluate("location.href + document.readyState") == f"{url}complete")
        except AssertionError:  # Between two documents there is nothing to ask.
            return False

    def activate(self) -> None:
        """Bring the tab to the front; the others are hidden."""
        self._browser.call("Target.activateTarget", targetId=self._target)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Run no task of the hidden tab, as a browser does to save energy."""
        self._browser.call("Page.setWebLifecycleState", self._session, state="frozen")
        yield
        self._browser.call("Page.setWebLifecycleState", self._session, state="active")

    def close(self) -> None:
        """Close the tab."""
        self._browser.call("Target.closeTarget", targetId=self._target)


@contextmanager
def run_chromium_alone(profile: Path) -> Iterator[DevTools]:
    """Run Chromium without Playwright.

    Args:
        profile: an empty folder.
    """
    options = ("--headless=new", "--remote-debugging-port=0", f"--user-data-dir={profile}")
    with subprocess.Popen(
        [program(complete=True), *FLAGS, *options, "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            address = profile / "DevToolsActivePort"  # The port and the path, each on a line.
            wait_until(lambda: address.is_file() and address.read_text().count("\n"))
            port, path = address.read_text().split()
            with connect(f"ws://{HOST}:{port}{path}", max_size=None) as link:
                devtools = DevTools(link)
                yield devtools
                devtools.call("Browser.close")
        finally:
            process.terminate()
