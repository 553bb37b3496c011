"""The table of capabilities names each command that a script of ours runs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sockgate_gateway.redis_servers.capabilities import CAPABILITIES

ROOT = Path(__file__).resolve().parents[4]
OPTIONAL = {"XADD", "SISMEMBER", "ZREM", "ZRANGEBYSCORE", "INCR", "SELECT"}
"""Only for signals of presence, touches and several sites; each says so itself."""


def commands_of_scripts() -> Iterator[str]:
    for folder in ("gateway", "djangoauth"):
        for path in (ROOT / folder).rglob("*.lua"):
            yield from re.findall(r"redis\.p?call\(['\"](\w+)['\"]", path.read_text())


def test_table_tries_every_command_of_every_script() -> None:
    tried = {line.split()[0] for row in CAPABILITIES for line in row.scripted}
    used = set(commands_of_scripts())
    assert len(used) > 20
    assert used - tried - OPTIONAL == set()


@pytest.mark.parametrize("row", CAPABILITIES, ids=lambda row: row.name)
def test_row_says_what_follows(row) -> None:
    assert row.consequence.endswith(".")
    assert row.instead or row.is_needed or "fail" in row.consequence or "not" in row.consequence
    assert bool(row.scripted or row.plain) or row.name == "EVAL"
