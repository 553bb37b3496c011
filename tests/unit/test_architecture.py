"""docs/architecture.md names what exists, and its way of a connect stays short."""

import ast
import configparser
import re
from itertools import groupby
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"sockgate_gateway": ROOT / "gateway", "sockgate": ROOT / "djangoauth"}
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PYTHON = sorted(set(re.findall(r"`((?:sockgate_gateway|sockgate)/[\w/]+\.py): ([\w.]+)`", PAGE)))
JAVASCRIPT = sorted(set(re.findall(r"`(clientjs/src/[\w/]+\.js): (\w+)`", PAGE)))
FILES = sorted(set(re.findall(r"`((?:sockgate_gateway|sockgate)/[\w/]+\.\w+)(?:: [\w.]+)?`", PAGE)))
WAYS = (
    "A connect",
    "A publication",
    "A logout",
    "A recovery",
    "A publication from a browser",
    "A live refresh",
    "A shared tab",
)

MAX_STOPS = 8
MAX_MODULES = 9
"""Beside the folders of a package, without ``__init__`` and ``__main__``."""
MAX_FOLDERS = 12
DJANGO_FOLDERS = {"management", "migrations", "templatetags"}
"""Folders that Django requires, which are not counted."""
MAX_VISITS = 2
"""A way enters a folder, and may return to it once."""


def source_of(path: str) -> Path:
    return PACKAGES[path.partition("/")[0]] / path


def defines(body: list[ast.stmt], names: list[str]) -> bool:
    """Return whether a body defines a name, or a class with that member."""
    first, *rest = names
    for statement in body:
        if (
            isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            and statement.name == first
        ):
            return not rest or (
                isinstance(statement, ast.ClassDef) and defines(statement.body, rest)
            )
    return False


def section(title: str) -> str:
    found = re.search(rf"^#+ {re.escape(title)}$(.*?)(?=^#+ |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def stops(title: str) -> list[str]:
    """Return the first file of each numbered step of a way."""
    steps = re.split(r"^\d+\. ", section(title), flags=re.MULTILINE)[1:]
    found = [re.search(r"`([\w/]+\.(?:py|js)): [\w.]+`", step) for step in steps]
    assert all(found), f"a step of {title!r} names no function"
    return [match[1] for match in found if match]


def folders(package: str) -> set[str]:
    root = PACKAGES[package] / package
    return {path.parent.name for path in root.glob("*/__init__.py")}


def lines_of(contract: str, option: str) -> list[str]:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config[f"importlinter:contract:{contract}"][option].split("\n")[1:]


@pytest.mark.parametrize(("path", "name"), PYTHON, ids=[f"{path}:{name}" for path, name in PYTHON])
def test_function_exists(path: str, name: str) -> None:
    tree = ast.parse(source_of(path).read_text())
    assert defines(tree.body, name.split("."))


@pytest.mark.parametrize(("path", "name"), JAVASCRIPT)
def test_javascript_function_exists(path: str, name: str) -> None:
    assert re.search(rf"\b{name}\b *[=(:]", (ROOT / path).read_text())


@pytest.mark.parametrize("path", FILES)
def test_file_exists(path: str) -> None:
    assert source_of(path).exists()


def test_names_are_found() -> None:
    assert len(PYTHON) >= 25
    assert JAVASCRIPT


@pytest.mark.parametrize("title", WAYS)
def test_way_is_numbered(title: str) -> None:
    assert len(stops(title)) >= 4


def test_connect_is_short_and_returns_to_a_folder_once_at_most() -> None:
    way = stops("A connect")
    assert len(way) <= MAX_STOPS
    entered = [folder for folder, _ in groupby(str(Path(stop).parent) for stop in way)]
    assert {
        folder: entered.count(folder) for folder in entered if entered.count(folder) > MAX_VISITS
    } == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_has_a_line(package: str) -> None:
    described = re.findall(r"^\| `(\w+)/` \|", section(f"The folders of `{package}`"), re.MULTILINE)
    assert sorted(described) == sorted(folders(package))


@pytest.mark.parametrize("package", PACKAGES)
def test_folders_are_few(package: str) -> None:
    counted = folders(package) - DJANGO_FOLDERS
    assert len(counted) <= MAX_FOLDERS, sorted(counted)


@pytest.mark.parametrize("package", PACKAGES)
def test_few_modules_are_beside_the_folders(package: str) -> None:
    modules = {path.stem for path in (PACKAGES[package] / package).glob("[!_]*.py")}
    assert len(modules) <= MAX_MODULES, sorted(modules)


@pytest.mark.parametrize(
    ("package", "contract"), [("sockgate_gateway", "server"), ("sockgate", "app")]
)
def test_layers_are_those_of_the_import_contract(package: str, contract: str) -> None:
    (drawn,) = re.findall(rf"^```layers {package}\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)
    assert [line.strip() for line in drawn.split("\n")] == lines_of(contract, "layers")


@pytest.mark.parametrize(
    ("contract", "option", "exempt"),
    [
        ("redis", "source_modules", {"broker", "redis_servers"}),
        ("sockjs", "source_modules", {"sockjs"}),
        ("django", "forbidden_modules", {"redis_servers", "wire"}),
    ],
)
def test_contract_lists_every_folder_of_the_server(
    contract: str, option: str, exempt: set[str]
) -> None:
    listed = {line.removeprefix("sockgate_gateway.") for line in lines_of(contract, option)}
    assert listed & folders("sockgate_gateway") == folders("sockgate_gateway") - exempt
