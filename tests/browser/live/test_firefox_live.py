"""Live templates in Firefox: many pages, a restart, and a right that is taken away."""

from collections.abc import Callable, Iterator

import pytest

from tests.browser.live.site import Site
from tests.firefox import Firefox, Tab, program, running_firefox
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.soak,
    pytest.mark.skipif(not program(), reason="Firefox is not installed"),
]

PAGES = 10
TOUCHES = 50
ROWS = "Array.from(document.querySelectorAll('#rows li'), (row) => row.textContent)"


@pytest.fixture
def open_orders(site: Site, tmp_path) -> Iterator[Callable[[], Tab]]:
    with running_firefox(tmp_path / "firefox") as firefox:
        yield lambda: logged_in(firefox, site.stack.origin)


def logged_in(firefox: Firefox, origin: str) -> Tab:
    tab = firefox.open(f"{origin}/orders/")
    if tab.evaluate('!!document.querySelector("#id_username")'):
        tab.evaluate(
            'document.querySelector("#id_username").value = "alice",'
            'document.querySelector("#id_password").value = "alice-demo",'
            'document.querySelector("#login button").click()'
        )
        wait_until(lambda: tab.evaluate("location.pathname.indexOf('login')") == -1)
        tab.go(f"{origin}/orders/")
    return tab


def expect_rows(tab: Tab, *rows: str) -> None:
    wait_until(lambda: tab.evaluate(ROWS) == list(rows), lambda: str(tab.evaluate(ROWS)))


def test_many_pages_are_right_at_the_end(site: Site, open_orders: Callable[[], Tab]) -> None:
    tabs = [open_orders() for _ in range(PAGES)]
    for tab in tabs:
        expect_rows(tab, "first")
    # Firefox hides all tabs but one. A hidden page waits until it is seen.
    for number in range(TOUCHES):
        site.show(f"row {number}")
        site.touch("orders")
    for tab in tabs:
        tab.show()
        expect_rows(tab, f"row {TOUCHES - 1}")


def test_page_survives_a_restart_and_loses_what_it_may_not_see(
    site: Site, open_orders: Callable[[], Tab]
) -> None:
    site.show("for all", alice=["for alice"])
    tab = open_orders()
    expect_rows(tab, "for all", "for alice")
    site.stack.gateway.stop()
    site.show("for all", alice=["for alice", "meanwhile"])
    site.stack.gateway.start()
    expect_rows(tab, "for all", "for alice", "meanwhile")
    site.show("for all", "next")
    site.stack.run_in_django(
        "from sockgate import revoke_channel\n"
        "from django.contrib.auth.models import User\n"
        "revoke_channel(User.objects.get(username='alice'), 'orders')"
    )
    expect_rows(tab, "for all", "next")
