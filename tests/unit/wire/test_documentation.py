"""Messages lead to pages of the documentation by full addresses, and these exist in docs/."""

import ast
import re
from pathlib import Path

from sockgate_gateway.wire.documentation import DOCUMENTATION, address_of

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
PACKAGES = (ROOT / "gateway" / "sockgate_gateway", ROOT / "djangoauth" / "sockgate")


def test_address_ends_with_a_slash() -> None:
    assert re.fullmatch(r"https://\S+/", DOCUMENTATION)


def anchors_of(page: str) -> set[str]:
    text = (DOCS / page).read_text("utf-8")
    headings = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    slugs = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)
    return {*re.findall(r'<a id="([\w-]+)">', text), *slugs}


def texts_in(node: ast.AST) -> list[str]:
    """Return the texts of a module, without docstrings."""
    docstrings = {
        id(inner.value)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant)
    }
    return [
        inner.value
        for inner in ast.walk(node)
        if isinstance(inner, ast.Constant)
        and isinstance(inner.value, str)
        and id(inner) not in docstrings
    ]


def test_pages_that_messages_name_exist_and_are_named_by_full_addresses() -> None:
    pages: set[str] = set()
    for path in (path for package in PACKAGES for path in package.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        assert [text for text in texts_in(tree) if "docs/" in text] == [], path
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "address_of":
                pages |= {text for text in texts_in(node) if ".md" in text}
    assert len(pages) > 4
    for page in pages:
        name, _, anchor = page.partition("#")
        assert not anchor or anchor in anchors_of(name), page


def test_address_of_a_page_begins_with_that_of_the_documentation() -> None:
    assert address_of("deploy.md#several-hosts") == f"{DOCUMENTATION}deploy.md#several-hosts"
