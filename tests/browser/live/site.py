"""The live site as a test sees it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect
from redis import Redis
from sockgate.publishing.publisher import Publisher

from tests.e2e.stack import Stack
from tests.ports import HOST
from tests.waiting import PATIENCE_WITH_PROCESSES_S, wait_until


class GunicornStack(Stack):
    """The stack with gunicorn for Django: two processes of four threads, and 25 ms a page."""

    def __init__(self, folder: Path, **options: str) -> None:
        super().__init__(folder, **options)
        self.django.command[1:] = [
            *(
                "-m",
                "gunicorn",
                "--workers=2",
                "--threads=4",
                "--timeout=120",
                "--no-control-socket",
            ),
            *(f"--bind={HOST}:{self._django_port}", "tests.browser.live.wsgi"),
        ]


class Site:
    """A stack whose Django site has live pages."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.redis = Redis.from_url(f"{stack._redis_url}/0", decode_responses=True)
        self.publisher = Publisher(f"{stack._redis_url}/0", signing_keys=[stack.signing_key])

    def show(self, *everybody: str, version: str = "", **of_user: list[str]) -> None:
        """Decide what the pages show from now on."""
        self.redis.set("site:rows", json.dumps({"all": everybody, **of_user}))
        self.put("version", version)

    def put(self, name: str, value: str) -> None:
        self.redis.set(f"site:{name}", value)

    def touch(self, *channels: str) -> None:
        for channel in channels:
            self.publisher.touch(channel)

    def fetches(self) -> list[dict[str, Any]]:
        """Return the requests of live pages so far."""
        return [json.loads(text) for text in self.redis.lrange("site:fetches", 0, -1)]

    def close(self) -> None:
        self.redis.close()
        self.publisher.close()


@contextmanager
def running_site(
    folder: Path, settings: str = "settings", kind: type[Stack] = Stack, **options: str
) -> Iterator[Site]:
    """Run the site; options are those of the gateway."""
    stack = kind(folder, **options)
    stack.django.environ["DJANGO_SETTINGS_MODULE"] = f"tests.browser.live.{settings}"
    try:
        stack.start()
        site = Site(stack)
        yield site
        site.close()
    finally:
        stack.stop()


REFRESH_MS = PATIENCE_WITH_PROCESSES_S * 1000
"""A page waits for twenty times the answer of its site, which may be busy."""

IS_FOLLOWED = """
(channel) => {
  const rt = window.Sockgate && Sockgate.connect.client;
  if (!rt) return false;
  window.probe = window.probe || rt.subscribe(channel);
  return probe.state === "subscribed";
}
"""


def follow(page: Page, channel: str = "orders") -> None:
    """Wait until the page is subscribed to a channel."""
    wait_for(page, IS_FOLLOWED, channel)


def wait_for(page: Page, expression: str, arg: object = None) -> None:
    """Wait as ``wait_for_function`` does, whose polls the policy of the page may forbid."""
    wait_until(lambda: page.evaluate(expression, arg))


def expect_rows(page: Page, *rows: str) -> None:
    expect(page.locator("#rows li")).to_have_text(list(rows), timeout=REFRESH_MS)


def expect_text(page: Page, selector: str, text: str) -> None:
    expect(page.locator(selector)).to_have_text(text, timeout=REFRESH_MS)


def expect_gone(page: Page, selector: str) -> None:
    expect(page.locator(selector)).to_have_count(0, timeout=REFRESH_MS)
