"""Draw the state tables of the gateway into ``states.md``: ``python docs/states.py``.

Each drawing stands between ``<!-- name -->`` and ``<!-- /name -->``. A unit test holds the page
against the tables.
"""

import re
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from sockgate_gateway.channels import states as channels
from sockgate_gateway.connections import states as connections

PAGE = Path(__file__).with_name("states.md")


class Table(NamedTuple):
    """A state table: the first state, and what follows each event in each state."""

    initial: Enum
    transitions: dict[Enum, dict[Enum, Enum]]


TABLES = {
    "connection states": Table(connections.INITIAL, connections.TRANSITIONS),
    "token states": Table(connections.TOKEN_INITIAL, connections.TOKEN_TRANSITIONS),
    "channel states": Table(channels.INITIAL, channels.TRANSITIONS),
}


def draw(table: Table) -> str:
    """Return a Mermaid state diagram; events that lead to the same state share an arrow."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {_name(table.initial)}"]
    for state, following in table.transitions.items():
        arrows: dict[Enum, list[str]] = {}
        for event, target in following.items():
            arrows.setdefault(target, []).append(str(event.value))
        for target, events in arrows.items():
            lines.append(f"    {_name(state)} --> {_name(target)}: {', '.join(events)}")
    return "\n".join([*lines, "```"])


def fill_in(page: str) -> str:
    """Return the page with every drawing made anew."""
    for name, table in TABLES.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        drawing = f"{start}\n{draw(table)}\n{end}"
        pattern = f"{re.escape(start)}.*?{re.escape(end)}"
        page, count = re.subn(pattern, lambda _, text=drawing: text, page, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"the page has no place for {name!r}")
    return page


def _name(state: Enum) -> str:
    return str(state.name).lower()


if __name__ == "__main__":
    PAGE.write_text(fill_in(PAGE.read_text()))
