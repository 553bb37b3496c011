"""200 pages before gunicorn: an ordinary visitor hardly notices that they are touched."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import monotonic, sleep, time

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.live.site import GunicornStack, Site, expect_rows, follow, running_site
from tests.browser.windows import Profile
from tests.ports import HOST

pytestmark = pytest.mark.browser

PROFILES, PAGES_OF_ONE = 10, 20
"""A profile has six connections to the site at most."""

TOUCHES_A_SECOND, SECONDS = 100, 10
FRESH_WITHIN_S = 15
WAIT_MS = 50


@pytest.mark.soak
def test_200_pages_leave_the_site_to_its_visitors(tmp_path: Path, chromium: Browser) -> None:
    with running_site(tmp_path / "herd", kind=GunicornStack, max_per_user="1000") as site:
        site.show("first")
        profiles = [Profile(chromium, site.stack.origin).log_in("alice") for _ in range(PROFILES)]
        pages = [
            page
            for at, profile in enumerate(profiles)
            for page in open_pages(profile, at * PAGES_OF_ONE)
        ]
        assert site.fetches() == [], "pages were fetched again when they were loaded"
        cookie = f"sessionid={profiles[0].cookie('sessionid')}"
        with visiting(site, cookie) as idle_ms:
            sleep(5)  # What a visitor waits without touches.
        with visiting(site, cookie) as waits_ms:
            last, last_touch = touch_often(site)
        for page in pages:
            expect_rows(page, last)
        times = [fetch["at"] for fetch in site.fetches()]
        worst = max(Counter(map(int, times)).values())
        print(
            f"\n{len(times)} fetches, {worst} in the worst second; a visitor waits "
            f"{median(waits_ms):.0f} ms in the median of {len(waits_ms)}, "
            f"{max(waits_ms):.0f} at most, and {median(idle_ms):.0f} without touches; all pages "
            f"are fresh {max(times) - last_touch:.1f} s after the last touch"
        )
        assert len(times) <= 5 * len(pages)
        assert worst <= 100, "more than LIVE_RATE"
        assert max(times) - last_touch <= FRESH_WITHIN_S
        assert median(waits_ms) <= max(WAIT_MS, 2 * median(idle_ms))
        for profile in profiles:
            profile.close()


def open_pages(profile: Profile, first: int) -> Iterator[Page]:
    for number in range(first, first + PAGES_OF_ONE):
        page = profile.open(f"/orders/?{number}")
        follow(page)
        yield page


def touch_often(site: Site) -> tuple[str, float]:
    """Touch for so many seconds; return what is shown at last, and since when."""
    began, number, last_touch = monotonic(), 0, 0.0
    while (passed := monotonic() - began) < SECONDS:
        while number < passed * TOUCHES_A_SECOND:
            last_touch = time()
            site.show(f"row {number}")
            site.touch("orders")
            number += 1
        sleep(1 / TOUCHES_A_SECOND)
    return f"row {number - 1}", last_touch


@contextmanager
def visiting(site: Site, cookie: str) -> Iterator[list[float]]:
    """Request a page ten times a second meanwhile; give the waits in ms."""
    waits_ms: list[float] = []
    is_over = Event()

    def visit() -> None:
        while not is_over.wait(0.1):
            began = monotonic()
            connection = HTTPConnection(HOST, site.stack._django_port, timeout=60)
            connection.request("GET", "/orders/", headers={"Cookie": cookie})
            answer = connection.getresponse()
            answer.read()
            connection.close()
            assert answer.status == 200
            waits_ms.append(1000 * (monotonic() - began))

    thread = Thread(target=visit)
    thread.start()
    try:
        yield waits_ms
    finally:
        is_over.set()
        thread.join()
    assert waits_ms
