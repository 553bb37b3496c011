"""The fault table of docs/operations.md."""

import re
from pathlib import Path

from tests.drills.crowd import PLAIN, SEQUENCED
from tests.drills.drill import Report, median_of
from tests.drills.watch import GAUGES, LEAST

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
BEGIN, END = "<!-- drills: begin -->\n", "<!-- drills: end -->\n"
HEAD = "| fault | clients | lost | `/ready` | log | metrics |\n|---|---|---|---|---|---|\n"
MOST = 3
LONGEST = 90


def row_of(report: Report) -> str:
    cells = [
        _fault(report),
        _clients(report),
        _lost(report),
        _ready(report),
        _log(report),
        _metrics(report),
    ]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n"


def write(rows: dict[str, str]) -> None:
    """Put rows into the document in place of those of the same faults; others stay."""
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    old, _, after = rest.partition(END)
    kept = {
        row.split(" | ")[0].removeprefix("| "): row for row in old.splitlines(keepends=True)[2:]
    }
    table = HEAD + "".join({**kept, **rows}.values())
    DOCUMENT.write_text(before + BEGIN + table + END + after)


def names_in_document() -> list[str]:
    table = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]
    return [_name_of(row) for row in table.splitlines()[2:]]


def _name_of(row: str) -> str:
    return row.split(" | ")[0].removeprefix("| ")


def _fault(report: Report) -> str:
    return report.fault.name


def _clients(report: Report) -> str:
    said = []
    if report.away_s:
        codes = ", ".join(_code(code) for code, _ in report.codes.most_common(MOST)) or "drained"
        said.append(
            f"{len(report.away_s)} of {report.clients} away, {median_of(report.away_s):.1f} s in "
            f"the median, {max(report.away_s):.1f} s at most ({codes})"
        )
    if report.interrupted_s:
        said.append(
            f"{len(report.interrupted_s)} of {report.clients} connected without Redis "
            f"(`interrupted`) for up to {max(report.interrupted_s):.1f} s"
        )
    if report.ended:
        codes = ", ".join(map(str, report.ended))
        said.append(f"{report.ended.total()} of {report.clients} ended for good ({codes})")
    if not said:
        said.append("all stay connected")
    if report.joined_s:
        said.append(
            f"{len(report.joined_s)} newcomers are connected within {max(report.joined_s):.1f} s"
        )
    said.append(f"longest silence {report.silent_s:.1f} s")
    return "; ".join(said)


def _code(code: int) -> str:
    return "connection lost" if code in (0, 1006) else str(code)


def _lost(report: Report) -> str:
    said = []
    for name, channel in (("sequenced", SEQUENCED), ("plain", PLAIN)):
        missed = report.missed[channel]
        if missed:
            most = max(missed)
            silent = len(report.in_silence[channel])
            told = "with `gap`, or while away" if not silent else f"{silent} IN SILENCE"
            said.append(f"{name}: {len(missed)} clients up to {most} of {report.published}, {told}")
        elif report.gaps[channel]:
            said.append(f"{name}: none; {report.gaps[channel]} clients a `gap`")
        else:
            said.append(f"{name}: none")
    if report.refused:
        said.append(f"the publisher was refused {report.refused} times")
    return "; ".join(said)


def _ready(report: Report) -> str:
    said = [f"503 after {at:.1f} s: {text}" for at, text in report.watch.reasons.values()]
    said += [f"degraded after {at:.1f} s: {text}" for at, text in report.watch.degraded.values()]
    return "; ".join(_short(text) for text in said[:MOST]) or "ready"


def _log(report: Report) -> str:
    said = [f"`{event}` {at:.1f} s" for event, (at, _) in report.watch.events.items()]
    return ", ".join(said[: 2 * MOST]) or "–"


def _metrics(report: Report) -> str:
    grown, extremes = report.watch.counted(), report.watch.extremes
    said = [f"`{name}` +{more:.0f}" for name, more in sorted(grown.items()) if more > LEAST]
    notable = [name for name in GAUGES if name in extremes and _is_notable(name, extremes[name])]
    said += [f"`{name}` {extremes[name]:.1f}" for name in notable]
    return ", ".join(said[: 2 * MOST]) or "–"


def _is_notable(name: str, value: float) -> bool:
    if name == "sockgate_redis_takes_writes":
        return value == 0
    return abs(value) > {"sockgate_redis_latency_seconds": 0.1}.get(name, 3)


def _short(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
