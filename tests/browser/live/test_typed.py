"""Every letter that a person typed stays, and what they may not see any more goes."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sockgate.live.fragment import _ELEMENTS

from tests.browser.live.site import Site, expect_gone, expect_text, follow
from tests.browser.windows import TIMEOUT_MS
from tests.chromium import run_chromium

pytestmark = pytest.mark.browser

TABLES = {
    "caption": ("<table>{}</table>", "<div>a</div>"),
    "select": ("{}", "<option>a</option>"),
    "table": ("{}", "<tbody><tr><td>a</td></tr></tbody>"),
    "tbody": ("<table>{}</table>", "<tr><td>a</td></tr>"),
    "tfoot": ("<table>{}</table>", "<tr><td>a</td></tr>"),
    "thead": ("<table>{}</table>", "<tr><th>a</th></tr>"),
    "tr": ("<table>{}</table>", "<td><div>b</div></td>"),
    "td": ("<table><tr>{}</table>", "<div>a</div><p>b</p>"),
    "th": ("<table><tr>{}</table>", "<div>a</div><p>b</p>"),
}
"""What elements must have around and in them."""

IS_WHOLE = """
(html) => {
  const all = new DOMParser().parseFromString(html, "text/html").querySelectorAll(".live");
  const found = all.length === 1 ? [...all[0].querySelectorAll("script, i")] : [];
  return found.length === 1 && found[0].parentElement === all[0];
}
"""

CLOBBERING = (
    "attributes childNodes children className cloneNode closest compareDocumentPosition contains "
    "dispatchEvent firstChild firstElementChild getAttribute hasAttribute id insertBefore "
    "isConnected isEqualNode localName matches moveBefore name nextElementSibling nextSibling "
    "nodeName nodeType nodeValue ownerDocument parentElement parentNode querySelector "
    "querySelectorAll remove removeAttribute removeChild replaceChildren replaceWith reset append "
    "setAttribute setAttributeNode type value action elements"
)
"""Names of what an element has itself. A form shows fields of these names instead."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A Chromium with the back/forward cache, which Playwright disables by default."""
    enabled = {"ignore_default_args": ["--disable-back-forward-cache"]}
    with run_chromium(complete=True, **enabled) as browser:
        yield browser


def show(site: Site, version: str, *pages: Page, alice: str = "1 2 3", bob: str = "1 2 3") -> None:
    """Touch the board, with these cards for each user, and wait until pages are fresh."""
    cards = {"alice": alice.split(), "bob": bob.split()}
    titles = {name: {one: f"card {one} {version}" for one in ids} for name, ids in cards.items()}
    site.put("cards", json.dumps(titles))
    site.show(version=version)
    site.touch("board")
    for page in pages:
        expect_text(page, "#version", version)


BARE = "<p>d</p><li>e</li><dd>f</dd><h1>g</h1><form><button>h</button></form><option>i</option>"
"""What sanitizers leave, which ends an element of the same name."""


def test_parser_ends_no_permitted_element_before_its_end(site, chromium):
    page = chromium.new_page()
    fragments = []
    for tag in [*_ELEMENTS.split(), "x-card"]:
        around, inner = TABLES.get(tag, ("{}", f"<div>a</div><ul><li>b</ul>{BARE}"))
        fragment = f'<{tag} class="live">{inner}<script type="application/json">1</script></{tag}>'
        fragments.append(around.format(fragment) + "<i>after</i>")
    found = page.evaluate(f"(all) => all.filter((one) => !({IS_WHOLE})(one))", fragments)
    assert found == []
    assert page.evaluate(IS_WHOLE, '<p class="live"><div>a</div><script></script></p>') is False
    page.close()


def test_fields_have_names_of_properties_and_a_row_that_is_revoked_goes(site, log_in):
    site.put("names", CLOBBERING)
    show(site, "v1")
    page = log_in("alice").open("/clobbered/")
    follow(page, "board")
    assert page.evaluate("typeof document.forms[0].querySelector") == "object"
    # Playwright itself cannot fill fields of this form.
    page.evaluate("document.querySelector('[name=children]').select()")
    page.keyboard.type("typed")
    page.fill("#in-1", "for one")
    page.fill("#in-2", "for two")
    for version in ("v2", "v3"):
        show(site, version, page)
        expect_text(page, "h2", version)
        values = "[...document.querySelectorAll('#form input')].map((one) => one.value)"
        shown = dict(zip(CLOBBERING.split(), page.evaluate(values), strict=True))
        assert shown.pop("children") == "typed"
        assert set(shown.values()) == {version}
    # A touch leaves what was typed, and the end of a right does not.
    show(site, "v4", page, alice="2")
    expect(page.locator("#in-1")).to_have_value("for one")
    site.stack.run_in_django(
        "from sockgate import revoke_channel\n"
        "from django.contrib.auth.models import User\n"
        "revoke_channel(User.objects.get(username='alice'), 'board')"
    )
    expect_gone(page, "#card-1")
    expect(page.locator("#in-2")).to_have_value("for two")


def type_while_touched(site: Site, version: str, letters: dict, pages: tuple, **cards: str) -> None:
    """Type a letter into each field in turn, and touch the board after every few."""
    for number in range(max(map(len, letters.values()))):
        for field, text in letters.items():
            field.focus()
            field.press_sequentially(text[number : number + 1])
        if number % 6 == 3:
            show(site, f"{version}.{number}", **cards)
    show(site, version, *pages, **cards)


def test_board_of_two_users_loses_no_letter(site, log_in):
    show(site, "v1")
    alice, bob = (log_in(name).open("/board/") for name in ("alice", "bob"))
    for page in (alice, bob):
        follow(page, "board")
    # Bob writes a comment, and a card that htmx has brought. Alice writes a card and its tasks.
    bob.click("#card-1 button")
    comment, title = bob.locator("#card-2 [name=comment]"), bob.locator("#id_edit1-title")
    letters = {
        comment: "letters, öäü and 'quotes' ",
        title: "Too long, before ",
        alice.locator("#id_title"): "a title that is too long",
        alice.locator("#id_task-1-text"): "the second task",
    }
    bob.select_option("#id_edit1-color", "green")
    alice.select_option("#id_color", "blue")
    alice.check("#id_urgent")
    alice.locator("#id_weight").fill("70")
    type_while_touched(site, "v2", letters, (alice, bob), alice="1 3", bob="4 1 3")
    expect(bob.locator("#card-4 b")).to_have_text("card 4 v2")
    expect(bob.locator("#id_task-TOTAL_FORMS")).to_have_value("3")

    # Both are refused, and go on.
    bob.click("#edit-1 form button")
    alice.click("#new button")
    for page in (alice, bob):
        expect(page.locator(".errorlist li")).to_have_count(1, timeout=TIMEOUT_MS)
    follow(alice, "board")
    more = {title: ", still", comment: "more", alice.locator("#id_task-0-text"): "the first task"}
    title.press("End")
    type_while_touched(site, "v3", more, (alice, bob), alice="1 3", bob="1 4")
    for page in (alice, bob):
        expect(page.locator(".errorlist li")).to_have_count(1)

    # Back from another page, which has answered a POST or waits in the browser's cache.
    for page in (alice, bob):
        page.goto("/login/")
    show(site, "v4", alice="1", bob="1")
    for page in (alice, bob):
        page.go_back(wait_until="commit")
    expect_text(bob, "#version", "v4")
    show(site, "v5", alice, bob, alice="1", bob="1")
    for page in (alice, bob):
        expect(page.locator(".errorlist li")).to_have_count(1)
    expect(comment).to_have_value("letters, öäü and 'quotes' more")
    expect(title).to_have_value("Too long, before card 1, still")
    expect(bob.locator("#id_edit1-color")).to_have_value("green")
    expect(alice.locator("#id_title")).to_have_value("a title that is too long")
    expect(alice.locator("#id_task-0-text")).to_have_value("the first task")
    expect(alice.locator("#id_task-1-text")).to_have_value("the second task")
    expect(alice.locator("#id_color")).to_have_value("blue")
    expect(alice.locator("#id_urgent")).to_be_checked()
    expect(alice.locator("#id_weight")).to_have_value("70")


NOTE_PROGRESS = """
window.ends = [];
const bar = window.bar = document.querySelector("sockgate-progress");
for (const [name, selector] of [["said", "[role=status]"], ["shown", "span:not([role])"]]) {
  const place = bar.querySelector(selector), texts = window[name] = [place.textContent];
  new MutationObserver(() => texts.at(-1) === place.textContent || texts.push(place.textContent))
    .observe(place, { childList: true, characterData: true, subtree: true });
}
addEventListener("progress-done", ({ target }) => ends.push(target === bar));
"""
BEGIN = """
from sockgate import progress
bar = progress(1, total=10, id="job")
bar.start()
bar.update(4, message="Row 4")
bar.finish("running", "Row 4")
"""
END = """
from sockgate import progress
with progress(1, total=10, id="job") as bar:
    bar.update(9)
"""


def test_progress_in_a_fragment_goes_forward_and_ends_once(site, log_in):
    show(site, "v1")
    page = log_in("alice").open("/clobbered/")
    follow(page, "board")
    page.evaluate(NOTE_PROGRESS)
    show(site, "v2", page)
    site.stack.run_in_django(BEGIN)
    expect_text(page, "#bar span:not([role])", "40% · Row 4")
    for version in ("v3", "v4"):
        show(site, version, page)
    assert page.evaluate("[said, shown]") == [
        ["", "0%", "40% · Row 4"],
        ["Waiting for the start", "0%", "40% · Row 4"],
    ]
    page.evaluate("said.length = shown.length = 0")
    site.stack.run_in_django(END)
    expect_text(page, "#bar span:not([role])", "Finished")
    for version in ("v5", "v6"):
        show(site, version, page)
    # The same element, and nothing that was said twice, or after the end.
    assert page.evaluate("[bar.isConnected, bar.querySelector('progress').value]") == [True, 10]
    said, shown, ends = page.evaluate("[said, shown, ends]")
    assert (said[0], said[-1], len(set(said)), ends) == ("0%", "Finished", len(said), [True])
    assert shown[-1] == "Finished"
    percents = [int(text[:-1]) for text in shown if text != "Finished"]
    assert percents == sorted(set(percents))
