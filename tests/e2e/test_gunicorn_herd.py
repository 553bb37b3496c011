"""Many live pages before gunicorn: an ordinary visitor hardly notices that they are touched."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import monotonic, sleep, time

import pytest

from tests.browser.live.site import GunicornStack, Site, running_site
from tests.e2e.nodetab import find_node
from tests.e2e.visitor import Visitor
from tests.ports import HOST
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.soak]

PROGRAM = Path(__file__).parents[1] / "node" / "herd.mjs"
"""200 tabs of Chromium take more than two cores; these windows run the same scripts."""

TOUCHES_A_SECOND = 100
LIVE_RATE = 100
FRESH_WITHIN_S = 15
WAIT_MS = 50


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running_site(tmp_path / "herd", kind=GunicornStack, max_per_user="1000") as site:
        site.show("first")
        yield site


def test_200_pages_leave_the_site_to_its_visitors(site: Site) -> None:
    with herd_of(site, 200) as herd:
        assert site.fetches() == [], "pages were fetched again when they were loaded"
        with visiting(site, herd.cookie) as idle_ms:
            sleep(5)  # What a visitor waits without touches.
        with visiting(site, herd.cookie) as waits_ms:
            last, last_touch = touch_often(site, seconds=10)
        herd.expect(last)
    fresh_s = max(herd.fresh_at(last)) - last_touch
    worst = max(Counter(int(fetch["at"]) for fetch in site.fetches()).values())
    print(
        f"\n{len(site.fetches())} fetches, {worst} in the worst second; a visitor waits "
        f"{median(waits_ms):.0f} ms in the median of {len(waits_ms)}, {max(waits_ms):.0f} at most, "
        f"and {median(idle_ms):.0f} without touches; all pages are fresh {fresh_s:.1f} s after "
        "the last touch"
    )
    assert worst <= LIVE_RATE
    assert fresh_s <= FRESH_WITHIN_S
    assert median(waits_ms) <= max(WAIT_MS, 2 * median(idle_ms))


class Herd:
    """Pages of one program, and what they show."""

    def __init__(self, site: Site, pages: int) -> None:
        key = Visitor(site.stack.origin).log_in("alice").session_key
        self.cookie = f"sessionid={key}"
        self._shown: dict[int, tuple[str, float]] = {}
        url = f"{site.stack.origin}/late/"
        self._program = subprocess.Popen(
            [find_node(), str(PROGRAM), url, self.cookie, str(pages), "#rows"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = Thread(target=self._read)
        self._reader.start()
        wait_until(lambda: len(self._shown) == pages)

    def expect(self, text: str) -> None:
        """Wait until all pages show this."""
        wait_until(lambda: {text} == {shown for shown, _ in self._shown.values()}, self._explain)

    def fresh_at(self, text: str) -> list[float]:
        """Return since when each page shows this."""
        return [at for shown, at in self._shown.values() if shown == text]

    def close(self) -> None:
        self._program.kill()
        self._reader.join()
        self._program.communicate()

    def _read(self) -> None:
        for line in self._program.stdout or ():
            page, text, at = json.loads(line)
            if self._shown.get(page, ("", 0.0))[0] != text:
                self._shown[page] = text, at

    def _explain(self) -> str:
        return f"pages show {Counter(text for text, _ in self._shown.values())}"


@contextmanager
def herd_of(site: Site, pages: int) -> Iterator[Herd]:
    herd = Herd(site, pages)
    try:
        yield herd
    finally:
        herd.close()


def touch_often(site: Site, seconds: float) -> tuple[str, float]:
    """Touch for so many seconds; return what is shown at last, and since when."""
    began, number, last_touch = monotonic(), 0, 0.0
    while (passed := monotonic() - began) < seconds:
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
            connection.request("GET", "/late/", headers={"Cookie": cookie})
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
