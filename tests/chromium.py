"""Chromium for tests with real pages. Playwright is imported only by tests that start it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Some pages do not come from this machine, as far as Chromium knows.
    "--disable-features=LocalNetworkAccessChecks",
)


def program(*, complete: bool = False) -> str:
    """Return the path of the build without windows if it is there, or of the complete browser."""
    found = (not complete and which("chromium-headless-shell")) or which("chromium")
    assert found, "Chromium is not installed"
    return found


@contextmanager
def run_chromium(*, complete: bool = False, **options: Any) -> Iterator["Browser"]:
    """Run Chromium without a window.

    Args:
        complete: the complete browser, not its build without windows. It starts in twice the time,
            and has the back/forward cache.
        options: those of Playwright's ``launch``.
    """
    from playwright.sync_api import sync_playwright

    path = program(complete=complete)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, **options)
        yield browser
        browser.close()


@contextmanager
def asleep(browser: "Browser") -> Iterator[None]:
    """Let all processes of a browser stand still meanwhile, as when its computer sleeps."""
    devtools = browser.new_browser_cdp_session()
    found = devtools.send("SystemInfo.getProcessInfo")["processInfo"]
    devtools.detach()
    processes = [process["id"] for process in found]
    try:
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
