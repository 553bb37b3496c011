"""Many pages on one live fragment, and many touches: few requests, and every page right."""

from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep

import pytest
from playwright.sync_api import Browser

from tests.browser.live.site import Site, expect_rows, follow, running_site
from tests.browser.windows import Profile
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

TOUCHES = 50
SLOW_S = 0.3


def test_pages_spread_their_requests_and_spare_a_slow_view(
    tmp_path: Path, chromium: Browser
) -> None:
    """12 pages at 4 requests a second have a window of 3 s."""
    with running_site(tmp_path / "herd", "calm_settings", max_per_user="1000") as site:
        site.show("first")
        alice = Profile(chromium, site.stack.origin).log_in("alice")
        times, touching_s = times_of_requests(site, alice, pages=12)
        check_spacing(times, touching_s, window_s=3.0)
        firsts = sorted(each[0] for each in times)
        assert firsts[-1] - firsts[0] > 0.5, "all pages have made their requests at once"
        check_slow_view(site, alice)
        alice.close()


def times_of_requests(site: Site, alice: Profile, pages: int) -> tuple[list[list[float]], float]:
    """Open pages, touch often within a second, and return when each page made its requests.

    Returns:
        The times by page, and how many seconds the touches took on this machine.
    """
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
    for page in opened:
        page.close()
    return times, touching_s


def check_slow_view(site: Site, alice: Profile) -> None:
    """Check that a page waits for twenty times its answer, as the browser has measured it."""
    page = alice.open(f"/orders/?seconds={SLOW_S}")
    follow(page)

    def third_spacing() -> float | None:
        site.touch("orders")
        times = requests_by_page(site)[f"/orders/?seconds={SLOW_S}"]
        return times[2] - times[1] if len(times) > 2 else None

    # The first answer was measured when the second request was chosen.
    spacing_s = wait_until(third_spacing)
    assert spacing_s > 15 * SLOW_S  # As the site saw them, which may see one late.


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
