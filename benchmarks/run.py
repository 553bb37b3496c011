"""The runs: each server is visited in turn, several times.

Strategy: the speed of a machine changes from minute to minute, so only figures that were measured
side by side can be compared. A visit starts one server with a Redis of its own, warms it up and
runs its scenarios in a fixed order. The servers are visited A B C A B C, so all figures of one
results file belong to the same hour. Results are written after each visit.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import build, interpreter, load, machine
from .load import GeneratorFailed, Load
from .places import RESULTS
from .process import DidNotStart
from .scenarios import MAIN, MODES, Kind, Scenario
from .servers.base import Running, Server
from .stage import started

WARM_UP = Load(conns=100, rounds=200, seconds=0.3)
Figures = dict[str, Any]


@dataclass(slots=True)
class Results:
    """The results of one invocation.

    Args:
        not_run: server, or ``server: scenario``, to the reason.
    """

    mode: str
    started: str
    machine: dict[str, Any]
    titles: dict[str, str]
    versions: dict[str, str] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    figures: list[Figures] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """The file of these results."""
        return RESULTS / f"{self.started}-{self.mode}.json"

    def save(self) -> None:
        """Write the file."""
        RESULTS.mkdir(exist_ok=True)
        self.path.write_text(json.dumps(asdict(self), indent=1))


def run(mode_name: str, runs: int | None = None, only: tuple[str, ...] = ()) -> Path:
    """Measure.

    Args:
        mode_name: one of ``MODES``.
        runs: number of runs; default: that of the mode.
        only: names of servers; empty: all. Results of some servers are no full comparison, and no
            report uses them by default.

    Returns:
        The file with the results.
    """
    mode, started = MODES[mode_name], time.strftime("%Y%m%d-%H%M%S")
    scenarios = mode.scenarios()
    titles = {scenario.name: scenario.title for scenario in scenarios}
    facts = {**machine.describe(), "open_files": machine.raise_file_limit()}
    facts["python"] = interpreter.python_version()
    part = "-part" if only else ""
    results = Results(mode_name + part, started, facts, titles)
    wanted = [server for server in mode.servers if not only or server.name in only]
    present = _prepared(wanted, results)
    main = [server for server in present if only or server.name in MAIN]
    minor = [server for server in present if server not in main]
    results.save()
    clock = Clock(mode.budget_s)
    for number in range(runs or mode.runs):
        if not clock.has_time():
            _note_failure(results, f"run {number + 1} and later", "the time was up")
            break
        with clock.timing():
            _visit_all(main, scenarios, number, results)
        if number < mode.minor_runs:
            _visit_all(minor, scenarios, number, results)
    return results.path


def _visit_all(
    servers: list[Server], scenarios: list[Scenario], number: int, results: Results
) -> None:
    for server in servers:
        _visit(server, scenarios, number, results)
        results.save()


class Clock:
    """Decides whether there is time for another run, as long as the shortest one before.

    Args:
        budget_s: seconds for all.
    """

    def __init__(self, budget_s: float) -> None:
        self._end = time.monotonic() + budget_s
        self._shortest = 0.0

    def has_time(self) -> bool:
        """Return whether another run fits. Call it before each run."""
        return time.monotonic() + self._shortest <= self._end

    @contextmanager
    def timing(self) -> Iterator[None]:
        """Measure the time of a run."""
        begun = time.monotonic()
        yield
        lasted = time.monotonic() - begun
        self._shortest = min(self._shortest or lasted, lasted)


def _prepared(wanted: list[Server], results: Results) -> list[Server]:
    present = []
    for server in wanted:
        try:
            server.prepare()
        except build.CannotBuild as reason:
            results.not_run[server.name] = str(reason)
            print(f"{server.name}: not run: {reason}", flush=True)
        else:
            results.versions[server.name] = server.versions
            present.append(server)
    return present


def _visit(server: Server, scenarios: list[Scenario], number: int, results: Results) -> None:
    mine = [s for s in scenarios if s.concerns(server.name) and number < s.max_runs]
    for compression in (False, True):
        part = [scenario for scenario in mine if scenario.compression == compression]
        if not part or (compression and not server.can_compress):
            continue
        try:
            with started(server, compression=compression) as running:
                _work_through(running, part, number, results)
        except DidNotStart as reason:
            _note_failure(results, server.name, str(reason))


def _work_through(
    running: Running, scenarios: list[Scenario], number: int, results: Results
) -> None:
    name = running.server.name
    dialogue = running.server.dialogue(WARM_UP.transport)
    if dialogue is not None:
        load.run(running, WARM_UP, dialogue)
    for scenario in scenarios:
        time.sleep(scenario.settle_s)
        try:
            figures = _measure(running, scenario)
        except GeneratorFailed as reason:
            _note_failure(results, f"{name}: {scenario.name}", str(reason))
            continue
        if figures is None:
            continue
        _check(figures, f"{name}: {scenario.name}", results)
        if not figures["open"]:
            continue
        results.figures.append({"run": number, "server": name, "scenario": scenario.name} | figures)
        print(f"run {number + 1}  {name:16} {scenario.name:22} {_brief(figures)}", flush=True)


def _measure(running: Running, scenario: Scenario) -> Figures | None:
    server = running.server
    dialogue = server.dialogue(scenario.load.transport)
    if dialogue is None:
        return None
    figures = load.run(running, scenario.load, dialogue)
    if scenario.kind is Kind.LOAD:
        return figures
    if scenario.kind is Kind.RECOVER:
        dialogue = server.miss_something(running.redis)
        if dialogue is None:
            return None
    return load.run(running, scenario.load, dialogue)


def _check(figures: Figures, where: str, results: Results) -> None:
    """List the reasons for which figures are doubtful."""
    for fate in ("refused", "unanswered"):
        if figures[fate]:
            _note_failure(results, where, f"{figures[fate]} connections were {fate}")
    if figures.get("missing_in_warm_up"):
        _note_failure(results, where, f"{figures['missing_in_warm_up']} missing in the warm-up")
    if figures.get("delivered", 0) < figures.get("expected", 0):
        lost = figures["expected"] - figures["delivered"]
        _note_failure(results, where, f"{lost} of {figures['expected']} deliveries never came")


def _note_failure(results: Results, where: str, reason: str) -> None:
    results.not_run[where] = reason
    print(f"{where}: {reason}", flush=True)


def _brief(figures: Figures) -> str:
    parts = [f"connect {figures['connect_cpu_us']:.0f} us", f"{figures['kib_per_conn']:.1f} KiB"]
    if figures.get("delivered"):
        parts.append(f"{figures['cpu_us_per_delivery']:.2f} us/delivery")
        parts.append(f"p99 {figures['p99_us'] / 1000:.1f} ms")
        parts.append(f"generator {figures['generator_share']:.0%}")
    if "hold_core_share" in figures:
        parts.append(f"idle {figures['hold_core_share']:.2%} of a core")
    return ", ".join(parts)
