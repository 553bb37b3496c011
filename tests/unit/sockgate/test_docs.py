"""The documentation imports and names only what exists."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = (
    "README.md",
    "docs/django.md",
    "docs/deploy.md",
    "docs/oidc.md",
    "docs/progress.md",
    "docs/python-client.md",
    "docs/testing.md",
    "docs/troubleshooting.md",
)
IMPORT = re.compile(r"^from sockgate\S* import [\w, ]+", re.MULTILINE)
FOUND = sorted({line for page in PAGES for line in IMPORT.findall((ROOT / page).read_text())})


def test_documentation_shows_imports() -> None:
    assert "from sockgate import publish" in [line.strip() for line in FOUND]


@pytest.mark.parametrize("line", FOUND)
def test_import_of_documentation_works(line: str) -> None:
    (statement,) = ast.parse(line).body
    assert isinstance(statement, ast.ImportFrom)
    module = import_module(str(statement.module))
    for name in statement.names:
        assert hasattr(module, name.name)


def test_functions_that_the_documentation_calls_exist() -> None:
    text = (ROOT / "docs/django.md").read_text()
    called = set(re.findall(r"`(a?(?:publish|broadcast|position|count|revoke|refresh)\w*)\(", text))
    assert {"publish_many", "revoke_user", "refresh_users", "position"} <= called
    package = import_module("sockgate")
    assert [name for name in sorted(called) if not hasattr(package, name)] == []
