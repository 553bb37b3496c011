"""The progress of a work in real pages, which have no script of their own."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Stack, running_stack

pytestmark = pytest.mark.browser

TIMEOUT_MS = 90_000
"""A loaded machine may need several times what an idle one does."""

BEGIN = """
from sockgate import progress
bar = progress({user}, total=10, id="job")
bar.start()
bar.update(4)
bar.finish("running", "Row 4")
"""
END = """
from sockgate import ProgressFailed, progress
try:
    with progress({user}, total=10, id="job") as bar:
        bar.update(7)
        if {fails}:
            raise ProgressFailed("The file has no rows.")
except ProgressFailed:
    pass
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("work"), "tests.browser.guarded_settings") as stack:
        yield stack


def expect_shown(page: Page, state: str, text: str, value: str | None) -> None:
    element = page.locator("sockgate-progress")
    expect(element).to_have_attribute("state", state, timeout=TIMEOUT_MS)
    expect(element.locator("span:not([role])")).to_have_text(text, timeout=TIMEOUT_MS)
    bar = page.get_by_role("progressbar", name="Export of the orders")
    if value is None:
        expect(bar).not_to_have_attribute("value", "x")
    else:
        expect(bar).to_have_attribute("value", value)


def test_page_follows_the_work_of_its_user(stack: Stack, log_in: Callable) -> None:
    alice, bob = log_in("alice"), log_in("bob")
    waiting, bobs = alice.open("/work/"), bob.open("/work/")
    expect_shown(waiting, "waiting", "Waiting for the start", None)
    stack.run_in_django(BEGIN.format(user=1))
    expect_shown(waiting, "running", "40% · Row 4", "4")
    late = alice.open("/work/")
    for page in (waiting, late):
        expect_shown(page, "running", "40% · Row 4", "4")
    late.reload()
    expect_shown(late, "running", "40% · Row 4", "4")
    stack.run_in_django(END.format(user=1, fails=True))
    for page in (waiting, late):
        expect_shown(page, "failed", "The file has no rows.", "7")
    expect_shown(bobs, "waiting", "Waiting for the start", None)


def test_page_that_was_offline_shows_the_present_value(stack: Stack, log_in: Callable) -> None:
    bob = log_in("bob")
    stack.run_in_django(BEGIN.format(user=2))
    page = bob.open("/work/")
    expect_shown(page, "running", "40% · Row 4", "4")
    badge = page.locator("#sockgate-badge #summary")
    expect(badge).to_contain_text("connected", timeout=TIMEOUT_MS)
    page.context.set_offline(True)
    try:
        stack.run_in_django(END.format(user=2, fails=False))
        expect_shown(page, "running", "40% · Row 4", "4")
    finally:
        page.context.set_offline(False)
    expect_shown(page, "done", "Finished", "10")
