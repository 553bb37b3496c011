"""The demo's story: each button makes the real thing happen in the halves of alice and bob."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.chromium import run_chromium
from tests.e2e.test_demo import Demo

pytestmark = pytest.mark.e2e
TIMEOUT_MS = 30_000
AXE = Path(__file__).parents[2] / "clientjs" / "node_modules" / "axe-core" / "axe.min.js"


def test_story_happens_in_both_halves(tmp_path):
    """In the complete browser, whose private windows send no cookies of other sites in frames."""
    demo = Demo(tmp_path)
    demo.wait_for_line("http://")
    assert demo.output.split() == ["Sockgate", "demo", "Open", demo.page]
    demo.wait_for_line("Ctrl-C stops everything")
    expect.set_options(timeout=TIMEOUT_MS)
    try:
        with run_chromium(complete=True) as chromium:
            page = chromium.new_page(viewport={"width": 1440, "height": 1100})
            page.goto(demo.page)
            play_story(page)
    finally:
        expect.set_options(timeout=None)
        demo.stop()


def edit_together(page) -> None:
    """What each half does by itself: move by drag, rename, say who edits, empty the bell."""
    alice, bob = page.frame_locator("#alice"), page.frame_locator("#bob")
    bob.get_by_label("Edit: Unpack").click()
    bob.locator("details[open] [name=title]").focus()
    expect(alice.locator("#editing")).to_have_text("bob is editing “Unpack the delivery”")
    title = bob.locator("details[open] [name=title]")
    page.route("**/shop/*/", lambda route: route.abort())
    title.fill("Unpack all")
    bob.locator("details[open] button").click()
    expect(bob.get_by_role("alert")).to_be_visible()
    page.unroute_all()
    # Django's form, refused: what bob chose stays beside the error while another card moves.
    title.fill("  ")
    column = bob.locator("details[open] [name=column]")
    column.select_option(label="To do")
    bob.locator("details[open] button").click()
    error = bob.locator("details[open] .errorlist")
    expect(error).to_have_text("This field is required.")
    expect(title).to_be_focused()
    expect(alice.locator("#editing")).to_have_text("bob is editing “Unpack the delivery”")
    press(page, "Bob moves a card")
    expect(bob.get_by_label("To do", exact=True)).not_to_contain_text("Answer")
    expect(bob.locator("details[open] form")).to_have_count(1)
    expect(error).to_have_count(1)
    assert find_barriers(page) == []
    expect(column.locator(":checked")).to_have_text("To do")
    title.fill("Unpack all")
    bob.locator("details[open] button").press("Enter")
    expect(alice.get_by_label("To do", exact=True)).to_contain_text("Unpack all")
    expect(alice.locator("#editing")).to_have_text("")
    expect(bob.locator("details[open]")).to_have_count(0)

    card = alice.get_by_label("To do", exact=True).locator("[draggable]").first
    card.drag_to(alice.get_by_label("Done", exact=True))
    expect(bob.get_by_label("Done", exact=True)).to_contain_text("Unpack all")

    alice.locator(".bell").click()
    expect(alice.locator("#bell")).to_have_text("0 new")


def find_barriers(page) -> list[str]:
    """Return what axe finds in the page and in both halves, on a desktop and a phone."""
    found = []
    wide = page.viewport_size
    for scheme, size in (("light", wide), ("dark", wide), ("dark", {"width": 390, "height": 844})):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        for frame in page.frames:
            frame.evaluate(AXE.read_text())
            result = frame.evaluate("axe.run(document, {iframes: false})")
            found += [f"{scheme} {size} {frame.url}: {one['id']}" for one in result["violations"]]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(wide)
    return found


def play_story(page) -> None:
    alice, bob = page.frame_locator("#alice"), page.frame_locator("#bob")
    expect(alice.locator(".staff")).to_have_count(1)
    expect(bob.locator("#tasks [draggable]")).to_have_count(4)

    press(page, "Bob moves a card")
    expect(alice.locator("#toasts")).to_contain_text("bob moved")
    for half in (alice, bob):
        expect(half.get_by_label("Doing", exact=True)).to_contain_text("Order paper bags")

    expect(alice.locator("#bell")).to_have_text(
        "11 new"
    )  # The number, and the text for screen readers.
    edit_together(page)

    press(page, "A job of 60 steps")
    expect(alice.locator("sockgate-progress")).to_have_attribute("state", "done")

    press(page, "Take alice out of the staff")
    expect(alice.locator(".staff")).to_have_count(0)
    expect(alice.locator("#tasks [draggable]")).to_have_count(4)

    expect(page.locator("#deliveries")).to_have_text(re.compile(r"^[1-9]\d*$"))
    expect(page.locator("#latency")).to_have_text("…")
    press(page, "Measure a burst")
    expect(page.locator("#latency")).to_have_text(re.compile(r"^\d+(\.\d)? ms$"))
    expect(page.locator("#cost")).to_contain_text("µs")

    press(page, "Kill the gateway")
    for half in (alice, bob):
        expect(half.locator("#strip .here")).to_have_count(100)

    press(page, "Alice is offline")
    expect(alice.locator("#strip .here")).to_have_count(50)
    expect(alice.locator("#bell")).to_have_text("5050 new")
    for name in ("To do", "Doing", "Done"):
        fresh = bob.get_by_label(name, exact=True).inner_text()
        expect(alice.get_by_label(name, exact=True)).to_have_text(fresh, use_inner_text=True)

    press(page, "The network of 2003")
    expect(alice.locator("#state")).to_have_text("xhr-streaming")
    press(page, "Bob moves a card")
    expect(alice.locator("#toasts")).to_contain_text("bob moved")

    press(page, "Log bob out here")
    expect(bob.locator("#tasks")).to_be_hidden()
    expect(alice.locator("#tasks")).to_be_visible()


def press(page, name: str) -> None:
    page.get_by_role("button", name=re.compile(f"^{name}")).click()
