"""One drill: a fault, what the clients saw of it, and what an operator could read."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from time import monotonic, sleep

from sockgate.client import State

from tests.drills.crowd import CHANNELS, PLAIN, SEQUENCED, Crowd, Page, Publishing
from tests.drills.faults import Fault
from tests.drills.site import Site
from tests.drills.watch import Watch, is_as_usual
from tests.waiting import wait_until

NAMED_WITHIN_S = 60
CALM_S = 1
"""Before a fault, so that everything flows."""
REPORTED_S = 2.5
"""After a fault, so that the last reports of the workers have come to the supervisor."""


@dataclass
class Report:
    """What came of a fault; times in seconds."""

    fault: Fault
    clients: int
    watch: Watch
    published: int
    """On each channel, from the fault until all was well."""
    refused: int
    away_s: list[float] = field(default_factory=list)
    interrupted_s: list[float] = field(default_factory=list)
    codes: Counter[int] = field(default_factory=Counter)
    ended: Counter[int] = field(default_factory=Counter)
    silent_s: float = 0.0
    duplicates: int = 0
    missed: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in CHANNELS})
    """For each client that missed publications: how many."""
    in_silence: dict[str, list[list[int]]] = field(
        default_factory=lambda: {name: [] for name in CHANNELS}
    )
    """For each client without a gap: the numbers that it missed."""
    gaps: Counter[str] = field(default_factory=Counter)
    """Of all clients, by channel."""
    joined_s: list[float] = field(default_factory=list)
    """For each client that came during the fault: how long it took to be connected."""
    well_after_s: float = 0.0
    """From the end of the fault until all was well."""

    @property
    def names_its_cause_after_s(self) -> float | None:
        """The seconds until ``/ready`` or the log said the cause."""
        seen = self.watch.seen()
        times = [at for at, text in seen if re.search(self.fault.cause, text)]
        return min(times, default=None)

    def problems(self) -> Iterator[str]:
        """Say what must not be: something lost in silence, a cause that nothing names in time."""
        for channel, lost in self.in_silence.items():
            if lost:
                yield f"{len(lost)} clients lost numbers on {channel} in silence, such as {lost[0]}"
        after_s, cause = self.names_its_cause_after_s, self.fault.cause
        if cause and (after_s is None or after_s > NAMED_WITHIN_S):
            yield f"nothing named {cause!r} within {NAMED_WITHIN_S} s: {self.watch.text()}"


def run(fault: Fault, site: Site, crowd: Crowd, publishing: Publishing) -> Report:
    """Let a fault happen, wait until all is well again, and report."""
    wait_until(lambda: all(map(is_as_usual, site.hosts)))
    crowd.wait_until_connected()
    sleep(CALM_S)  # Publications flow meanwhile.
    crowd.wait_for(publishing.number)
    first, refused = publishing.number + 1, publishing.refused
    duplicates = sum(page.duplicates for page in crowd.pages)
    before, began = list(crowd.pages), monotonic()
    watch = Watch(site.hosts)
    try:
        with fault.happen(site, crowd):
            sleep(fault.lasts_s)  # The time is the fault.
        over = monotonic()
        wait_until(lambda: all(host.is_ready() for host in site.hosts))
        _wait_until_well(crowd, publishing)
        well = monotonic()
        sleep(REPORTED_S)  # Nothing tells when the last report has come.
    finally:
        watch.stop()
    last = publishing.number
    crowd.wait_for(last)
    report = Report(fault, len(before), watch, last - first + 1, publishing.refused - refused)
    report.well_after_s = well - over
    report.duplicates = sum(page.duplicates for page in before) - duplicates
    newcomers = crowd.pages[len(before) :]
    report.joined_s = [it.connected_after_s for it in newcomers if it.ended is None]
    report.ended.update(it.ended.code for it in newcomers if it.ended is not None)
    for page in before:
        _add(report, page, began)
        if page.ended is None:
            _add_losses(report, page, publishing, range(first, last + 1), began)
    return report


def _wait_until_well(crowd: Crowd, publishing: Publishing) -> None:
    """Wait until each client receives what is published now."""
    crowd.wait_until_connected()
    number = publishing.number
    wait_until(lambda: any(n > number for n in publishing.accepted[SEQUENCED]))
    crowd.wait_for(number + 1)
    crowd.wait_until_connected()


def _add(report: Report, page: Page, began: float) -> None:
    """Add how long a client was away, and why."""
    left = {State.INTERRUPTED: 0.0, State.WAITING: 0.0}
    since: dict[State, float] = {}
    for at, change in page.states:
        if at < began:
            continue
        if change.state is State.INTERRUPTED:
            since.setdefault(State.INTERRUPTED, at)
        elif change.state is State.CONNECTED:
            for state, start in since.items():
                left[state] += at - start
            since.clear()
        else:
            since.setdefault(State.WAITING, at)
            if change.state in (State.WAITING, State.CLOSED):
                report.codes[change.code] += 1
    if left[State.WAITING]:
        report.away_s.append(left[State.WAITING])
    if left[State.INTERRUPTED]:
        report.interrupted_s.append(left[State.INTERRUPTED])
    if page.ended is not None:
        report.ended[page.ended.code] += 1
        return
    times = sorted(at for at in page.received[PLAIN].values() if at >= began)
    times += [at for at in page.received[SEQUENCED].values() if at >= began]
    times = sorted([began, *times])
    longest = max(later - earlier for earlier, later in pairwise(times))
    report.silent_s = max(report.silent_s, longest)


def _add_losses(
    report: Report, page: Page, publishing: Publishing, numbers: range, began: float
) -> None:
    # A page knows that it was away: it gets "connect" and reads its state again.
    was_away = any(at >= began for at, _ in page.states)
    for channel in CHANNELS:
        wanted = publishing.accepted[channel].intersection(numbers)
        missed = sorted(wanted - page.received[channel].keys())
        gaps = [at for at in page.gaps[channel] if at >= began]
        report.gaps[channel] += bool(gaps)
        if missed:
            report.missed[channel].append(len(missed))
            if not gaps and not (channel == PLAIN and was_away):
                report.in_silence[channel].append(missed)


def median_of(values: list[float]) -> float:
    return median(values) if values else 0.0
