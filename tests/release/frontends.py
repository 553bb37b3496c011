"""Front ends with npm's tarball: Node.js, and two bundles that a real Chromium opens."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode

from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.stack import running_stack
from tests.e2e.visitor import Visitor
from tests.ports import HOST, free_port
from tests.release.commands import run

PROJECTS = Path(__file__).parent / "projects"
TIMEOUT_MS = 30_000


def check(tarball: Path, folder: Path) -> None:
    """Install, build and run each project."""
    shutil.copytree(PROJECTS, folder)
    for project in ("node", "vite", "webpack"):
        run("npm", "install", "--no-audit", "--no-fund", tarball, cwd=folder / project)
        run("npm", "run", "check", cwd=folder / project)
    _open_pages(folder)


def _open_pages(folder: Path) -> None:
    with _served(folder) as origin, running_stack(folder / "stack", origins=origin) as stack:
        token = Visitor(stack.origin).log_in("alice").token()
        fragment = urlencode({"url": stack.gateway_url, "token": token})
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            for project in ("vite", "webpack"):
                _open(browser, f"{origin}/{project}/dist/index.html#{fragment}", stack)
            browser.close()


def _open(browser: Browser, url: str, stack: object) -> None:
    print("Opening", url.partition("#")[0], flush=True)
    page = browser.new_page()
    page.goto(url)
    expect(page.locator("#state")).to_have_text("connected", timeout=TIMEOUT_MS)
    stack.publish("user:1")  # type: ignore[attr-defined]
    expect(page.locator("#news")).to_have_text("Djangocon 2012", timeout=TIMEOUT_MS)
    page.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer((HOST, free_port()), partial(_Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
