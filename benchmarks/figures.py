"""Medians and spreads of one results file."""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from .places import RESULTS


@dataclass(frozen=True, slots=True)
class Spread:
    """The runs of one figure."""

    median: float
    low: float
    high: float
    runs: int


class Book:
    """All figures of one invocation."""

    def __init__(self, path: Path) -> None:
        self._results: dict[str, Any] = json.loads(path.read_text())
        self.path = path

    @property
    def facts(self) -> dict[str, Any]:
        """The machine."""
        found: dict[str, Any] = self._results["machine"]
        return found

    @property
    def mode(self) -> str:
        """The mode and the time of the invocation."""
        return f"{self._results['mode']} {self._results['started']}"

    @property
    def titles(self) -> dict[str, str]:
        """Scenario to title."""
        found: dict[str, str] = self._results["titles"]
        return found

    @property
    def versions(self) -> dict[str, str]:
        """Server to versions, in the order of the tables."""
        found: dict[str, str] = self._results["versions"]
        return found

    @property
    def not_run(self) -> dict[str, str]:
        """Scenarios that were not measured or are doubtful, with the reason."""
        found: dict[str, str] = self._results["not_run"]
        return found

    def spread(self, scenario: str, server: str, figure: str) -> Spread | None:
        """Return the median and the range of a figure."""
        values = [
            run[figure]
            for run in self._results["figures"]
            if (run["scenario"], run["server"]) == (scenario, server) and figure in run
        ]
        return Spread(median(values), min(values), max(values), len(values)) if values else None

    def median(self, scenario: str, server: str, figure: str) -> float | None:
        """Return the median of a figure."""
        spread = self.spread(scenario, server, figure)
        return None if spread is None else spread.median


def newest() -> Path:
    """Find the newest results, full ones before quick ones.

    Raises:
        FileNotFoundError: nothing has been measured yet.
    """
    return newest_of("full", "quick")


def newest_of(*modes: str) -> Path:
    """Find the newest results of the first mode that has any; raises as ``newest``."""
    for mode in modes:
        found = sorted(RESULTS.glob(f"*-{mode}.json"))
        if found:
            return found[-1]
    raise FileNotFoundError(f"nothing was measured yet: python -m benchmarks {modes[0]}")


def shown(value: float) -> str:
    """Format a figure with three digits, or as a whole number from 1000."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
