"""What tabs have received of a channel on which numbers are published, 1, 2, 3, … Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median


class Tally:
    """What one tab has received, and when it was away.

    ``last`` is the newest number. The other fields concern the present step: ``told`` counts
    numbers that are missing behind a ``gap``, ``lost`` those that are missing without one, and
    ``twice`` those that came again or after a later one.
    """

    def __init__(self) -> None:
        self.last = 0
        self.is_missing = False
        """A ``gap`` came after the last number."""
        self._away_since: float | None = None
        self.begin(0)

    def begin(self, now: float) -> None:
        """Begin a step of the drill."""
        self.lost = self.told = self.twice = 0
        self.slowest_s = self.away_s = 0.0
        self.was_away = self._away_since is not None
        if self._away_since is not None:
            self._away_since = now

    def received(self, number: int, after_s: float) -> None:
        """Record a number, and how long it was under way."""
        self.slowest_s = max(self.slowest_s, after_s)
        missing = number - self.last - 1
        if missing < 0:
            self.twice += 1
            return
        if self.is_missing:
            self.told += missing
        else:
            self.lost += missing
        self.last, self.is_missing = number, False

    def gap(self) -> None:
        """Record that the tab was told that something is missing."""
        self.is_missing = True

    def left(self, now: float) -> None:
        """Record that the tab receives nothing."""
        if self._away_since is None:
            self._away_since, self.was_away = now, True

    def came(self, now: float) -> None:
        """Record that the tab receives again."""
        if self._away_since is not None:
            self.away_s += now - self._away_since
            self._away_since = None

    def pause(self, now: float) -> None:
        """Add the time of an absence that goes on."""
        if self._away_since is not None:
            self.away_s += now - self._away_since
            self._away_since = now

    @property
    def is_away(self) -> bool:
        """Whether the tab receives nothing now."""
        return self._away_since is not None


@dataclass(frozen=True, slots=True)
class Result:
    """What a step of the drill did to the tabs.

    Args:
        name: of the step.
        tabs: how many there are.
        away: how many of them lost their connection.
        longest_s, median_s: for how long those were away.
        missing: how many have not come back, or have not received what was published last.
        lost: numbers that tabs miss without having been told, summed over the tabs.
        told: numbers that tabs miss, and were told so by ``gap``.
        twice: numbers that came twice or in the wrong order.
        slowest_s: the longest time from a publication to a tab.
        herd: tokens and grants that the tabs asked Django for in the worst second.
    """

    name: str
    tabs: int
    away: int
    longest_s: float
    median_s: float
    missing: int
    lost: int
    told: int
    twice: int
    slowest_s: float
    herd: int

    @property
    def is_good(self) -> bool:
        """Nothing was lost in silence or came twice, and all tabs are back."""
        return not (self.missing or self.lost or self.twice)


def result_of(name: str, tallies: Iterable[Tally], target: int, herd: Counter[int]) -> Result:
    """Sum a step up.

    Args:
        name: of the step.
        tallies: of all tabs.
        target: the number that each tab must have received.
        herd: requests to Django by second.
    """
    all_tabs = list(tallies)
    times = [tally.away_s for tally in all_tabs if tally.was_away]
    return Result(
        name,
        len(all_tabs),
        len(times),
        max(times, default=0.0),
        median(times) if times else 0.0,
        sum(tally.is_away or tally.last < target for tally in all_tabs),
        sum(tally.lost for tally in all_tabs),
        sum(tally.told for tally in all_tabs),
        sum(tally.twice for tally in all_tabs),
        max((tally.slowest_s for tally in all_tabs), default=0.0),
        max(herd.values(), default=0),
    )


COLUMNS: tuple[tuple[str, Callable[[Result], str]], ...] = (
    ("", lambda one: one.name),
    ("tabs", lambda one: str(one.tabs)),
    ("away", lambda one: str(one.away)),
    ("longest", lambda one: f"{one.longest_s:.2f} s"),
    ("median", lambda one: f"{one.median_s:.2f} s"),
    ("not back", lambda one: str(one.missing)),
    ("lost", lambda one: str(one.lost)),
    ("gap", lambda one: str(one.told)),
    ("twice", lambda one: str(one.twice)),
    ("slowest", lambda one: f"{one.slowest_s:.2f} s"),
    ("herd", lambda one: str(one.herd)),
)
"""What a table shows of each step; docs/operations.md explains it."""


def table_of(results: Sequence[Result]) -> list[str]:
    """Return the lines of a table for people."""
    columns = [[head, *map(show, results)] for head, show in COLUMNS]
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for name, *cells in zip(*columns, strict=True):
        row = map(str.rjust, cells, widths[1:])
        lines.append("  ".join((name.ljust(widths[0]), *row)))
    return lines
