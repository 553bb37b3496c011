"""Each field of a connection has one writer."""

import ast
from collections import defaultdict
from pathlib import Path

import sockgate_gateway
from sockgate_gateway.connections.connection import Connection

WRITERS = {
    "channels": {"hub.py"},
    "sid": {"registry.py"},
    "uid": {"registry.py"},
    "claimed_uid": {"lifecycle.py"},
    "opened_at": {"lifecycle.py"},
    "spent_until": {"lifecycle.py"},
}
"""The modules that write to a field from outside; ``Connection`` writes all other fields."""


def written_fields(path: Path) -> set[str]:
    """List the fields that a module assigns to a variable or attribute called ``connection``."""
    stores = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    ]
    owners = [(ast.unparse(node.value).split(".")[-1].lstrip("_"), node.attr) for node in stores]
    return {field for owner, field in owners if owner == "connection"} & set(Connection.__slots__)


def test_each_field_of_a_connection_has_one_writer():
    writers: defaultdict[str, set[str]] = defaultdict(set)
    for path in Path(sockgate_gateway.__file__).parent.rglob("*.py"):
        for field in written_fields(path):
            writers[field].add(path.name)
    assert writers == WRITERS
