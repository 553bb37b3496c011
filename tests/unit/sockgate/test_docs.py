"""The documentation imports and names only what exists."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest
from sockgate.conf.keys import KEYS
from sockgate_gateway.wire.namespaces import DEFAULT

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
DJANGO = "docs/django.md"
ID = re.compile(r"\b[EWI]\d{3}\b")
ID_IN_CODE = re.compile(r'"(?:sockgate\.)?([EWI]\d{3})"')
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


def section(page: str, title: str) -> str:
    text = (ROOT / page).read_text()
    return text.partition(f"\n{title}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of all tables, without their heads."""
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [re.split(r" (?<!\\)\| ", line) for line in lines]


def literal(cell: str) -> object:
    return ast.literal_eval(cell.strip("`"))


def test_settings_are_those_of_the_code_with_their_defaults() -> None:
    described = {
        key.strip("`"): default for key, default, *_ in rows(section(DJANGO, "## Settings"))
    }
    assert set(described) - {"key"} == set(KEYS)
    plain = {key for key, default in described.items() if re.fullmatch(r"`[^`]+`", default)}
    assert len(plain) > 14
    wrong = [key for key in plain if literal(described[key]) != KEYS[key].default()]
    assert wrong == []


def test_fields_of_namespaces_are_those_of_a_policy_with_their_defaults() -> None:
    table = section(DJANGO, "## Channels on request").partition("### Namespaces")[2]
    described = {}
    for names, defaults, _ in rows(table.partition("### ")[0])[1:]:
        fields = re.findall(r"`(\w+)`", names)
        values = [literal(value) for value in re.findall(r"`([^`]+)`", defaults)]
        described |= dict(
            zip(fields, values * (len(fields) if len(values) == 1 else 1), strict=True)
        )
    assert described == {name: getattr(DEFAULT, name) for name in described}
    assert set(described) == set(DEFAULT.__struct_fields__)


def test_checks_are_those_of_the_code() -> None:
    described = {
        found for row in rows(section(DJANGO, "## Checks")) for found in ID.findall(row[0])
    }
    files = (ROOT / "djangoauth" / "sockgate").rglob("*.py")
    in_code = {found for path in files for found in ID_IN_CODE.findall(path.read_text())}
    assert len(in_code) > 40
    assert described == in_code
