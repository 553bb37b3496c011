"""Measure how long sockets outlive their session, and write the table in docs/security.md.

``python -m tests.security.measure``
"""

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from sockgate_gateway.config.config import TRANSPORTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"
BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->"
LIMIT_MS = {"announced": 1000, "cut": 2400, "lost": 2400}
"""The promise; with the control message away, the audit interval of the tests and the grace."""

Row = tuple[str, str]


class Results:
    """What each test has measured: per cause and engine, per transport, per mode."""

    def __init__(self) -> None:
        self.took_ms: dict[Row, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties if report.when == "call" else ():
            if name == "measured":
                cause, engine, mode, took_ms = value
                for transport, ms in took_ms.items():
                    self.took_ms[cause, engine][transport][mode] = ms

    def too_long(self) -> list[Any]:
        return [
            (row, transport, mode, ms)
            for row, transports in self.took_ms.items()
            for transport, modes in transports.items()
            for mode, ms in modes.items()
            if ms >= LIMIT_MS[mode]
        ]

    def table(self) -> str:
        lines = [f"| cause | engine | {' | '.join(TRANSPORTS)} |", "|---|---" + "|---" * 7 + "|"]
        for (cause, engine), transports in sorted(self.took_ms.items()):
            cells = " | ".join(_cell(transports[transport]) for transport in TRANSPORTS)
            lines.append(f"| {cause} | {engine} | {cells} |")
        return "\n".join(lines) + "\n"


def _cell(modes: dict[str, int]) -> str:
    return " · ".join(str(modes.get(mode, "–")) for mode in LIMIT_MS)


def main() -> int:
    results = Results()
    tests = str(Path(__file__).with_name("test_ends.py"))
    status = pytest.main(["-q", "-m", "", "-p", "no:cacheprovider", tests], plugins=[results])
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + results.table() + END + rest.partition(END)[2])
    for found in results.too_long():
        print("Over the limit:", *found, file=sys.stderr)
    return int(status) or bool(results.too_long())


if __name__ == "__main__":
    sys.exit(main())
