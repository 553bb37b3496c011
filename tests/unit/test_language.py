"""Sentences of the documents are short."""

import re
import statistics
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
WRITTEN_BY_MACHINE = re.compile(
    r"<!-- (\w+)(?:: begin.*?)? -->.*?<!-- (?:/\1|\1: end) -->", re.DOTALL
)
FENCE = re.compile(r"^ {0,3}```.*?^ {0,3}```", re.MULTILINE | re.DOTALL)
LIST_ITEM = re.compile(r"(?:[-*]|\d+\.) ")
SENTENCE_END = re.compile(r"(?<=[.!?])[)\"”*]*\s+(?=[A-Z`*\[(\"“])")
WORD = re.compile(r"\S*\w\S*")


def page_text(source: str) -> str:
    """Return the text of a page without code, and without tables that a program writes."""
    return FENCE.sub("", WRITTEN_BY_MACHINE.sub("", source))


def blocks(source: str) -> Iterator[str]:
    """Yield the paragraphs and list items of a page; headings and tables are left out."""
    block: list[str] = []
    for line in [*page_text(source).splitlines(), ""]:
        text = line.strip()
        item = LIST_ITEM.match(text)
        if item or not text or text.startswith(("#", "|")):
            yield " ".join(block)
            block = []
        if item:
            text = text[item.end() :]
        if text and not text.startswith(("#", "|")):
            block.append(text)
    yield " ".join(block)


def words_per_sentence(source: str) -> list[int]:
    counts = [
        len(WORD.findall(sentence))
        for block in blocks(source)
        for sentence in SENTENCE_END.split(block)
    ]
    return [count for count in counts if count >= 3]


def test_sentences_of_the_documents_are_short() -> None:
    counts = sorted(count for path in DOCS for count in words_per_sentence(path.read_text()))
    assert statistics.median(counts) <= 14
    assert counts[int(len(counts) * 0.9)] <= 25


def test_code_and_written_tables_are_left_out() -> None:
    page = "a\n```\nx\n```\nb <!-- measured -->\ny\n<!-- /measured -->c"
    assert page_text(page).split() == ["a", "b", "c"]


def test_words_of_sentences_are_counted() -> None:
    page = "# A heading\nOne two three. Four five six\nseven.\n\n| so is a table |\n- One `2` x"
    assert words_per_sentence(page) == [3, 4, 3]
