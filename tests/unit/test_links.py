"""Relative links and anchors of the documentation lead to something that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *(ROOT / "docs").glob("*.md"),
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "clientjs" / "README.md",
        ROOT / "tests" / "README.md",
    ]
)
SOURCES = [
    ROOT / "Makefile",
    *(path for path in PAGES if path.name != "CHANGELOG.md"),  # Its lines are about the past.
    *(
        path
        for folder in ("djangoauth", "examples", "gateway", "tests")
        for path in (ROOT / folder).rglob("*.py")
    ),
]
CLIENT_FILE = re.compile(r"\bclientjs/(?:src|test)/[\w/.-]+\.(?:js|ts)\b")
FENCE = re.compile(r"^ {0,3}```.*?^ {0,3}```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:href|src)=\"([^\"]+)\"")
NAMED = re.compile(r'<a id="([^"]+)">')
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = prose(page)
    return {*map(anchor, HEADING.findall(text)), *NAMED.findall(text)}


def links(page: Path) -> list[str]:
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    found = [markdown or html for markdown, html in LINK.findall(text)]
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, fragment = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return False
    return not fragment or fragment in anchors(target)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in links(page) if not leads_somewhere(page, link)]
    assert broken == []


def test_named_files_of_the_client_exist() -> None:
    named = {file for path in SOURCES for file in CLIENT_FILE.findall(path.read_text())}
    assert len(named) > 10
    assert [file for file in named if not (ROOT / file).exists()] == []


def test_links_are_found() -> None:
    assert "django.md#namespaces" in links(ROOT / "docs" / "recovery.md")
    assert anchor("Several sites on one Redis") == "several-sites-on-one-redis"
    assert anchor("`SOCKGATE_PORT`, and more") == "sockgate_port-and-more"
