"""Firefox without a window, driven by WebDriver BiDi, which it speaks without another program."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from shutil import which
from typing import Any

from websockets.exceptions import InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from tests.ports import HOST, free_port
from tests.waiting import wait_until

START_S = 120
ANSWER_S = 60
PREFERENCES = (
    'user_pref("browser.shell.checkDefaultBrowser", false);',
    'user_pref("datareporting.policy.dataSubmissionEnabled", false);',
    'user_pref("app.update.auto", false);',
)


def program() -> str | None:
    """Return the path of Firefox; None: it is not installed."""
    return which("firefox-esr") or which("firefox")


class Firefox:
    """A session with a running Firefox."""

    def __init__(self, link: ClientConnection) -> None:
        self._link = link
        self._numbers = count(1)
        self.call("session.new", capabilities={})

    def call(self, method: str, **params: Any) -> Any:
        """Send a command, and return its result.

        Raises:
            AssertionError: Firefox answers with an error.
        """
        number = next(self._numbers)
        self._link.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._link.recv(timeout=ANSWER_S))
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]

    def open(self, url: str) -> "Tab":
        """Open a URL in a new tab, and wait until it is loaded."""
        tab = Tab(self, self.call("browsingContext.create", type="tab")["context"])
        tab.go(url)
        return tab


class Tab:
    """A tab of Firefox."""

    def __init__(self, firefox: Firefox, context: str) -> None:
        self._firefox = firefox
        self._context = context

    def go(self, url: str) -> None:
        """Go to a URL, and wait until it is loaded."""
        self._firefox.call(
            "browsingContext.navigate", context=self._context, url=url, wait="complete"
        )

    def evaluate(self, expression: str) -> Any:
        """Evaluate an expression whose value, or that of its promise, has a JSON form."""
        result = self._firefox.call(
            "script.evaluate",
            expression=f"Promise.resolve({expression}).then(JSON.stringify)",
            target={"context": self._context},
            awaitPromise=True,
        )
        assert result["type"] == "success", result
        text = result["result"].get("value")
        return None if text is None else json.loads(text)

    def show(self) -> None:
        """Bring the tab to the front."""
        self._firefox.call("browsingContext.activate", context=self._context)

    def close(self) -> None:
        """Close the tab."""
        self._firefox.call("browsingContext.close", context=self._context)


@contextmanager
def running_firefox(folder: Path) -> Iterator[Firefox]:
    """Run Firefox with a new profile in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "user.js").write_text("\n".join(PREFERENCES))
    port = free_port()
    path = program()
    assert path, "Firefox is not installed"
    with (folder / "log").open("w") as log:
        options = ["--headless", "--no-remote", "--profile", str(folder)]
        process = subprocess.Popen(
            [path, *options, "--remote-debugging-port", str(port), "about:blank"],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        with _open(port) as link:
            yield Firefox(link)
    finally:
        process.terminate()
        process.wait(ANSWER_S)


def _open(port: int) -> ClientConnection:
    found: list[ClientConnection] = []

    def is_open() -> bool:
        try:
            found.append(connect(f"ws://{HOST}:{port}/session", max_size=None, proxy=None))
        except (OSError, InvalidHandshake):
            return False
        return True

    wait_until(is_open, START_S)
    return found[0]
