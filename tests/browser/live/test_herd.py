"""Many pages on one live fragment, and many touches: few requests, and every page right."""

from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep

import pytest
from playwright.sync_api import Browser

from tests.browser.live.site import Site, expect_rows, follow, running_site
from tests.browser.windows import Profile

pytestmark = pytest.mark.browser

TOUCHES = 50


def test_pages_spread_their_requests_over_the_window(tmp_path: Path, chromium: Browser) -> None:
    """12 pages at 4 requests a second have a window of 3 s."""
    times, touching_s = times_of_requests(tmp_path, chromium, "calm_settings", pages=12)
    check_spacing(times, touching_s, window_s=3.0)
    firsts = sorted(each[0] for each in times)
    assert firsts[-1] - firsts[0] > 0.5, "all pages have made their requests at once"


def times_of_requests(
    folder: Path, chromium: Browser, settings: str, pages: int
) -> tuple[list[list[float]], float]:
    """Open pages, touch often within a second, and return when each page made its requests.

    Returns:
        The times by page, and how many seconds the touches took on this machine.
    """
    with running_site(folder / "herd", settings, max_per_user="1000") as site:
        site.show("first")
        alice = Profile(chromium, site.stack.origin).log_in("alice")
        opened = [alice.open(f"/orders/?{number}") for number in range(pages)]
        for page in opened:
            follow(page)
        assert site.fetches() == []
        began = monotonic()
        for number in range(TOUCHES):
            site.show(f"row {number}")
            site.touch("orders")
            sleep(1 / TOUCHES)  # Within a second, as the test says.
        touching_s = monotonic() - began
        for page in opened:
            expect_rows(page, f"row {TOUCHES - 1}")
        opened[-1].wait_for_timeout(5000)  # No page makes more requests.
        times = list(requests_by_page(site).values())
        assert len(times) == pages
        alice.close()
        return times, touching_s


def requests_by_page(site: Site) -> dict[str, list[float]]:
    times: dict[str, list[float]] = defaultdict(list)
    for fetch in site.fetches():
        times[fetch["path"]].append(fetch["at"])
    return times


def check_spacing(times: list[list[float]], touching_s: float, window_s: float) -> None:
    """Check that a page makes one request in a window at most; a busy machine delays some."""
    assert max(map(len, times)) <= 2 + touching_s / window_s
    spacings = [later - sooner for each in times for sooner, later in pairwise(each)]
    short = [spacing for spacing in spacings if spacing < window_s * 0.8]
    assert len(short) <= len(times) * 0.02, sorted(short)
