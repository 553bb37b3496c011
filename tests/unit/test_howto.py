"""The blocks of docs/howto.md are lines of files that tests run."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "howto.md").read_text()
FIRST, _, OTHERS = PAGE.partition("With docker compose, from ")
"""What tests/e2e/test_existing_project.py applies, and what is taken from files."""

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
MARKER = re.compile(r"^\s*(?:#|//|\{#) (?:begin|end) \w+(?: #\})?$")
KINDS = {"python": "*.py", "html": "*.html", "js": "*.js", "yaml": "*.yaml"}


def lines_of(text: str) -> list[str]:
    """Return the lines that count, without the markers of examples/live_pages."""
    return [line for line in text.splitlines() if line.strip() and not MARKER.match(line)]


def sources(kind: str) -> Iterator[list[str]]:
    for folder in ("examples", "deploy"):
        for path in (ROOT / folder).rglob(KINDS[kind]):
            yield lines_of(path.read_text("utf-8"))


def holds(source: list[str], lines: list[str]) -> bool:
    return any(source[at : at + len(lines)] == lines for at in range(len(source)))


BLOCKS = BLOCK.findall(OTHERS)


def test_blocks_are_found() -> None:
    assert len(BLOCKS) > 12
    assert holds(["a", "b", "c"], ["b", "c"])
    assert not holds(["a", "b", "c"], ["a", "c"])


@pytest.mark.parametrize(("kind", "text"), BLOCKS, ids=[text.split("\n")[0] for _, text in BLOCKS])
def test_block_is_an_excerpt_of_a_tested_file(kind: str, text: str) -> None:
    assert any(holds(source, lines_of(text)) for source in sources(kind))
