"""Messages lead to pages of the documentation by full addresses; test_site.py opens them."""

import ast
import re
from pathlib import Path

import pytest
from sockgate_gateway.wire.documentation import DOCUMENTATION, address_of

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = (ROOT / "gateway" / "sockgate_gateway", ROOT / "djangoauth" / "sockgate")


def test_address_ends_with_a_slash() -> None:
    assert re.fullmatch(r"https://\S+/", DOCUMENTATION)


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


def test_messages_name_pages_by_full_addresses() -> None:
    for path in (path for package in PACKAGES for path in package.rglob("*.py")):
        texts = texts_in(ast.parse(path.read_text("utf-8")))
        assert [text for text in texts if "docs/" in text] == [], path


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("redis.md", "redis.html"),
        ("deploy.md#several-hosts", "deploy.html#several-hosts"),
    ],
)
def test_address_is_that_of_the_page_in_the_site(place: str, address: str) -> None:
    assert address_of(place) == DOCUMENTATION + address
