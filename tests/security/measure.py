"""Measure how long sockets outlive their session: for ``ends.md``, in short for docs/security.md.

``python -m tests.security.measure``
"""

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from sockgate_gateway.config.config import TRANSPORTS

PAGE = Path(__file__).with_name("ends.md")
SUMMARY = Path(__file__).resolve().parents[2] / "docs" / "security.md"
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

    def summary(self) -> str:
        """Return the longest time of each cause in each mode, of all engines and transports."""
        longest: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for (cause, _), transports in self.took_ms.items():
            for modes in transports.values():
                for mode, ms in modes.items():
                    longest[cause][mode] = max(longest[cause][mode], ms)
        lines = ["| cause | in order | link cut | message lost |", "|---|---|---|---|"]
        for cause, modes in sorted(longest.items()):
            cells = " | ".join(str(modes.get(mode, "–")) for mode in LIMIT_MS)
            lines.append(f"| {cause} | {cells} |")
        return "\n".join(lines) + "\n"


def write(page: Path, table: str) -> None:
    """Replace the table of a page."""
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(before + BEGIN + table + END + rest.partition(END)[2])


def _cell(modes: dict[str, int]) -> str:
    return " · ".join(str(modes.get(mode, "–")) for mode in LIMIT_MS)


def main() -> int:
    results = Results()
    tests = str(Path(__file__).with_name("test_ends.py"))
    status = pytest.main(["-q", "-m", "", "-p", "no:cacheprovider", tests], plugins=[results])
    write(PAGE, results.table())
    write(SUMMARY, results.summary())
    for found in results.too_long():
        print("Over the limit:", *found, file=sys.stderr)
    return int(status) or bool(results.too_long())


if __name__ == "__main__":
    sys.exit(main())
