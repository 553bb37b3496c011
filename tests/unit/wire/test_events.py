"""Every event that the client emits itself is reserved."""

import re
from pathlib import Path

from sockgate_gateway.wire.events import RESERVED_EVENTS

SOURCES = Path(__file__).parents[3] / "clientjs" / "src"
ROOMS = ("base", "channels", "core", "credentials", "wire")


def test_client_emits_no_other_event_by_name() -> None:
    text = "\n".join(
        path.read_text("utf-8") for room in ROOMS for path in (SOURCES / room).rglob("*.js")
    )
    emitted = set(re.findall(r'\b(?:emit|emitToPage|emitToHolders)\(\s*"([^"]+)"', text))
    passed_on = set(re.findall(r'"on (\w+)": emit\b', text))
    assert emitted
    assert passed_on
    assert emitted | passed_on <= RESERVED_EVENTS
