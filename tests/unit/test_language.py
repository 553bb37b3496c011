"""Comments, messages and documents are in plain English, as docs/glossary.md has it."""

import io
import re
import statistics
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AVOIDED = re.compile(r"\b(he|him|his|hear|hears|heard|told|tells)\b", re.IGNORECASE)
AVOIDED_IN_NAMES = {"he", "him", "his", "hear", "hears", "heard", "tell", "tells", "told"}
SUSPICIOUS = re.compile(
    rf"(?:(?<![A-Za-z])|(?=[A-Z]))(?i:{'|'.join(sorted(AVOIDED_IN_NAMES))})(?![a-z])"
)
UNCHECKED: tuple[str, ...] = ()
"""Folders whose texts are not in plain words yet."""

PYTHON = sorted(
    path
    for top in ("gateway", "djangoauth", "examples")
    for path in (ROOT / top).rglob("*.py")
    if not str(path.relative_to(ROOT)).startswith(UNCHECKED)
)
TESTS = sorted(
    path
    for top in ("tests", "benchmarks")
    for path in (ROOT / top).rglob("*.py")
    if path != Path(__file__).resolve() and ".build" not in path.parts
)
JAVASCRIPT = sorted(
    [*(ROOT / "clientjs" / "src").rglob("*.[jt]s"), *(ROOT / "examples").rglob("*.js")]
)
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [
    *DOCS,
    *(ROOT / folder / "README.md" for folder in (".", "clientjs", "tests")),
    ROOT / "CHANGELOG.md",
]

WRITTEN_BY_MACHINE = re.compile(
    r"<!-- (\w+)(?:: begin.*?)? -->.*?<!-- (?:/\1|\1: end) -->", re.DOTALL
)
FENCE = re.compile(r"^ {0,3}```.*?^ {0,3}```", re.MULTILINE | re.DOTALL)
JAVASCRIPT_TEXT = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL
)
LIST_ITEM = re.compile(r"(?:[-*]|\d+\.) ")
SENTENCE_END = re.compile(r"(?<=[.!?])[)\"”*]*\s+(?=[A-Z`*\[(\"“])")
WORD_OF_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
WORD = re.compile(r"\S*\w\S*")


def python_text(source: str) -> Iterator[tuple[int, str]]:
    """Yield the comments and strings of a Python file, each with its line."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        name = tokenize.tok_name[token.type]
        if name == "COMMENT" or name == "STRING" or name == "FSTRING_MIDDLE":
            yield token.start[0], token.string


def python_names(source: str) -> Iterator[tuple[int, str]]:
    """Yield the identifiers of a Python file, each with its line."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string


def javascript_text(source: str) -> Iterator[tuple[int, str]]:
    """Yield the comments and strings of a JavaScript file, each with its line."""
    for match in JAVASCRIPT_TEXT.finditer(source):
        yield source.count("\n", 0, match.start()) + 1, match[0]


def page_text(source: str) -> str:
    """Return the text of a page without code, and without tables that a program writes."""
    return FENCE.sub("", WRITTEN_BY_MACHINE.sub("", source))


def avoided_words(texts: Iterator[tuple[int, str]]) -> list[str]:
    return [f"{line}: {match[0]}" for line, text in texts for match in AVOIDED.finditer(text)]


def avoided_names(names: Iterator[tuple[int, str]]) -> list[str]:
    """List the identifiers of which an avoided word is a part."""
    return [
        f"{line}: {name}"
        for line, name in names
        if AVOIDED_IN_NAMES.intersection(map(str.lower, WORD_OF_NAME.findall(name)))
    ]


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


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_python_avoids_words(path: Path) -> None:
    assert avoided_words(python_text(path.read_text())) == []


def test_tests_avoid_words_in_texts_and_names() -> None:
    found = {}
    for path in TESTS:
        source = path.read_text()
        if SUSPICIOUS.search(source):  # Most files are not, and tokens take time.
            words, names = avoided_words(python_text(source)), avoided_names(python_names(source))
            found[name(path)] = words + names
    assert {path: avoided for path, avoided in found.items() if avoided} == {}


@pytest.mark.parametrize("path", JAVASCRIPT, ids=name)
def test_javascript_avoids_words(path: Path) -> None:
    assert avoided_words(javascript_text(path.read_text())) == []


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_page_avoids_words(path: Path) -> None:
    text = re.sub(r"`[^`]*`", "", FENCE.sub("", path.read_text()))
    assert avoided_words(enumerate(text.splitlines(), 1)) == []


def test_sentences_of_the_documents_are_short() -> None:
    counts = sorted(count for path in DOCS for count in words_per_sentence(path.read_text()))
    assert statistics.median(counts) <= 14
    assert counts[int(len(counts) * 0.9)] <= 25


def test_words_are_found_in_comments_strings_and_pages() -> None:
    python = 'x = "He is"  # is told\ny = f"hears {x}"\nheard = 1\n'
    assert avoided_words(python_text(python)) == ["1: He", "1: told", "2: hears"]
    javascript = 'var heard = "his"; // hear\n/* a\n him */'
    assert avoided_words(javascript_text(javascript)) == ["1: his", "1: hear", "2: him"]
    assert page_text("a\n```\nhe\n```\nb <!-- measured -->\nhe\n<!-- /measured -->c").split() == [
        "a",
        "b",
        "c",
    ]


def test_words_of_identifiers_are_found() -> None:
    assert SUSPICIOUS.search("test_client_is_told()")
    assert SUSPICIOUS.search("class AllHeard:")
    assert not SUSPICIOUS.search("this.hearing(history, where)")
    python = "def test_client_is_told(): pass\nclass HeardAll: pass\nTELL = this.hearing('told')"
    assert avoided_names(python_names(python)) == [
        "1: test_client_is_told",
        "2: HeardAll",
        "3: TELL",
    ]


def test_words_of_sentences_are_counted() -> None:
    page = "# A heading\nOne two three. Four five six\nseven.\n\n| so is a table |\n- One `2` x"
    assert words_per_sentence(page) == [3, 4, 3]
