"""The lines of examples/live_pages, and of docs/comparison.md beside them, as that page counts."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "examples" / "live_pages" / "pages"
PAGE = ROOT / "docs" / "comparison.md"

LIMITS = {
    "connection": 2,
    "bell": 2,
    "progress": 3,
    "list": 3,
    "presence": 4,
    "chat": 8,
    "ticker": 3,
}
"""Lines at most. A new example also needs markers in the site, and a section in the page."""

SECTIONS = {name: name.capitalize() for name in LIMITS} | {
    "connection": "The connection",
    "list": "Live list",
}
ROWS = {name: name for name in LIMITS} | {
    "connection": "the connection, once",
    "bell": "bell: toast and count",
    "list": "live list",
}
PRODUCTS = ("Sockgate", "Channels", "Turbo", "Centrifugo")

SOURCES = sorted([*SITE.glob("*.py"), *SITE.rglob("*.html"), *SITE.rglob("*.js")], key=str)
MAX_WIDTH = 100

MARKER = re.compile(r"^\s*(?:#|//|\{#) (begin|end) (\w+)(?: #\})?$")
COMMENT = re.compile(r"^(?:#|//|\{#|<!--|<%#)")
LIVE = re.compile(r"publish|progress|touch|live|presence|Sockgate|\brt\b|lobby|quote|WebSocket")
NOT_LIVE = re.compile(r"^(?:from|import) |sockgate\.urls|\{% load |id=\"quote\"|^<title>|^\"\"\"")


def is_counted(line: str) -> bool:
    return bool(line.strip()) and not COMMENT.match(line.strip())


def split(path: Path) -> tuple[dict[str, list[str]], list[str]]:
    """Return the lines of each example in a file, and those of the site as it was before."""
    marked: dict[str, list[str]] = {}
    before: list[str] = []
    current = None
    for line in path.read_text().splitlines():
        if marker := MARKER.match(line):
            kind, name = marker.groups()
            assert current == (None if kind == "begin" else name), f"{path}: {line}"
            current = name if kind == "begin" else None
        elif current:
            marked.setdefault(current, []).append(line)
            if path.suffix == ".py" and line.endswith(":"):
                before.append(line[: -len(line.lstrip())] + "if True:")  # Its block stays.
        else:
            before.append(line)
    assert current is None, f"{path}: {current} has no end"
    return marked, before


def lines_of(name: str) -> list[str]:
    """Return the lines of an example that count."""
    return [line for path in SOURCES for line in split(path)[0].get(name, []) if is_counted(line)]


def section(name: str, product: str) -> tuple[int, list[str]]:
    """Return the number of lines in a heading of the page, and the lines of its code."""
    [text] = re.findall(rf"^## {SECTIONS[name]}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S)
    found = re.findall(rf"^### {product}: (\d+) lines\n(.*?)(?=^### |\Z)", text, re.M | re.S)
    [(count, body)] = found
    code = re.findall(r"^```\w+\n(.*?)^```", body, re.M | re.S)
    return int(count), [line for line in "".join(code).splitlines() if is_counted(line)]


def row(name: str) -> list[int]:
    [cells] = re.findall(rf"^\| {ROWS[name]} \|(.*)\|$", PAGE.read_text(), re.M)
    return [int(cell) for cell in cells.split("|") if cell.strip()]


@pytest.mark.parametrize("name", LIMITS)
def test_example_keeps_its_limit(name):
    assert 0 < len(lines_of(name)) <= LIMITS[name]


def test_only_known_examples_are_marked():
    assert {name for path in SOURCES for name in split(path)[0]} == set(LIMITS)


@pytest.mark.parametrize("name", LIMITS)
def test_lines_are_ordinary_ones(name):
    for line in lines_of(name):
        assert len(line) <= MAX_WIDTH, line
        assert ";" not in line.rstrip().removesuffix(";"), f"more than one statement: {line}"
        assert line.count("{%") <= 1, f"more than one tag: {line}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_nothing_is_live_outside_the_markers(path):
    before = [line.strip() for line in split(path)[1] if is_counted(line)]
    if path.name != "settings.py":
        assert [line for line in before if LIVE.search(line) and not NOT_LIVE.search(line)] == []
    if path.suffix == ".py":
        compile("\n".join(split(path)[1]), path, "exec")


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("name", LIMITS)
def test_page_states_the_lines_that_it_shows(name, product):
    if (name, product) == ("connection", "Turbo"):
        assert section(name, product) == (0, [])
        return
    stated, code = section(name, product)
    assert stated == len(code) == row(name)[PRODUCTS.index(product)]
    assert all(len(line) <= MAX_WIDTH for line in code)


@pytest.mark.parametrize("name", LIMITS)
def test_page_shows_the_lines_of_the_example(name):
    shown = [line.strip() for line in section(name, "Sockgate")[1]]
    assert sorted(shown) == sorted(line.strip() for line in lines_of(name))
    assert row(name)[4:] == ([LIMITS[name]] if name != "connection" else [])
