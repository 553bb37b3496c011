"""The table of docs/deploy.md names what the gateway logs, at which level."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import sockgate_gateway

SOURCE = Path(sockgate_gateway.__file__).parent
DOCUMENT = SOURCE.parents[1] / "docs" / "deploy.md"
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
HELPERS = {"HintLog", "FailureLog"}

Line = tuple[str, str, str]
"""Level, logger, event."""


def logged() -> set[Line]:
    """Find all calls that log an event."""
    return {line for path in SOURCE.rglob("*.py") for line in _lines(ast.parse(path.read_text()))}


def _lines(tree: ast.Module) -> Iterator[Line]:
    loggers = [
        str(ast.literal_eval(node.value.args[0]))
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("logging.getLogger")
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for level, event in _events(tree, node):
                yield level, loggers[0], event
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DROPPED":
            yield "warning", loggers[0], _name(ast.literal_eval(node.value))


def _events(tree: ast.Module, call: ast.Call) -> Iterator[tuple[str, str]]:
    called = ast.unparse(call.func)
    owner, _, method = called.rpartition(".")
    if owner == "log" and method in LEVELS and isinstance(call.args[0], ast.Constant):
        yield {"exception": "error"}.get(method, method), _name(call.args[0].value)
    elif called in HELPERS:
        name = call.args[1]
        if isinstance(name, ast.Constant):
            yield "warning", name.value
        else:  # One for each of several names, in a comprehension.
            yield from (("warning", event) for event in _alternatives(tree, name))


def _alternatives(tree: ast.Module, name: ast.expr) -> list[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.DictComp | ast.ListComp):
            generator = node.generators[0]
            if ast.unparse(generator.target) == ast.unparse(name):
                return list(ast.literal_eval(generator.iter))
    raise AssertionError(f"what is {ast.unparse(name)}?")


def _name(template: str) -> str:
    found = re.match(r"event=([a-z_]+)", template)
    assert found, template
    return found[1]


def documented() -> set[Line]:
    """Read the table."""
    section = DOCUMENT.read_text().partition("### What is logged")[2].partition("\n### ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if "| `" in line]
    return {
        (level, logger, event)
        for level, logger, events in (
            [cell.strip("`") for cell in row[:2]] + [row[2]] for row in rows
        )
        for event in re.findall(r"`([a-z_]+)`", events)
    }


def test_table_names_each_event_with_its_level() -> None:
    assert documented() == logged()
