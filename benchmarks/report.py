"""The tables of docs/performance.md, and the full ones of benchmarks/tables.md."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from . import costs, picture, targets, techniques
from .figures import Book, Spread, newest, newest_of, shown
from .places import DOCS, HERE

BEGIN = "<!-- {}: begin (written by python -m benchmarks report) -->"
END = "<!-- {}: end -->"

COLUMNS = (
    ("CPU µs a delivery", "cpu_us_per_delivery", 1),
    ("p50 ms", "p50_us", 1000),
    ("p99 ms", "p99_us", 1000),
    ("p99.9 ms", "p999_us", 1000),
    ("deliveries/s", "deliveries_per_s", 1),
    ("Redis CPU µs a publication", "redis_cpu_us_per_publish", 1),
    ("connect CPU µs", "connect_cpu_us", 1),
    ("idle % of a core", "hold_core_share", 0.01),
    ("KiB a connection, idle", "held_kib_per_conn", 1),
    ("connected after s", "connect_s", 1),
    ("MiB in the end", "pss_after_kib", 1024),
    ("generator's share", "generator_share", 1),
)

_LOAD = (
    "cpu_us_per_delivery",
    "p50_us",
    "p99_us",
    "p999_us",
    "deliveries_per_s",
    "generator_share",
)
_CONNECT = ("connect_cpu_us", "connect_s", "hold_core_share", "held_kib_per_conn")


_FAN_OUTS = (
    ("fan-out", "b1_64", "cpu_us_per_delivery", 1),
    ("bursts of 16", "b16_64", "cpu_us_per_delivery", 1),
    ("bursts of 64", "b64_64", "cpu_us_per_delivery", 1),
)

SUMMARIES = {
    "figures": (
        ("connect", "connect_1000", "connect_cpu_us", 1),
        *((title, f"fanout_1000_{name}", *rest) for title, name, *rest in _FAN_OUTS),
        ("private, full rate", "private", "cpu_us_per_delivery", 1),
        ("private, 1,000/s: p99 ms", "private_rate", "p99_us", 1000),
        ("idle: KiB", "idle_1000", "held_kib_per_conn", 1),
    ),
    "crowd": (
        ("connect", "connect_8000", "connect_cpu_us", 1),
        ("all come back at once", "storm", "connect_cpu_us", 1),
        *((title, f"fanout_8000_{name}", *rest) for title, name, *rest in _FAN_OUTS),
        ("idle: KiB", "idle_8000", "held_kib_per_conn", 1),
        ("idle: % of a core", "idle_8000", "hold_core_share", 0.01),
    ),
}
"""By block of the page, its columns: title, scenario, figure, unit. Without a unit it is CPU µs."""

_EXTRA = {
    "slow": ("pss_after_kib",),
    "private": ("redis_cpu_us_per_publish",),
    "private_sequenced": ("redis_cpu_us_per_publish",),
}


def print_report(path: Path) -> None:
    """Print the tables of a results file."""
    book = Book(path)
    print("\n" + BLOCKS.get(book.mode.partition(" ")[0], all_tables)(book))
    print(f"Results: {path}")


def write_report(path: Path | None = None) -> None:
    """Write the newest or the given results into the documentation, with their picture."""
    book = Book(path or newest())
    (DOCS / "performance.svg").write_text(picture.draw(book))
    _write_both("figures", book)
    print(f"Wrote docs/performance.md, its picture and benchmarks/tables.md from {book.path}")
    with suppress(FileNotFoundError):
        _write_both("crowd", Book(newest_of("crowd")))
    for mode, write in BLOCKS.items():
        with suppress(FileNotFoundError):
            _write_block(DOCS / "performance.md", mode, write(Book(newest_of(mode))))


def _write_both(name: str, book: Book) -> None:
    _write_block(DOCS / "performance.md", name, summary(name, book))
    _write_block(HERE / "tables.md", name, all_tables(book))


def _write_block(page: Path, name: str, text: str) -> None:
    begin, end = BEGIN.format(name), END.format(name)
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    block = f"{begin}\n{text}\n{end}"
    page.write_text(re.sub(pattern, lambda _: block, page.read_text(), flags=re.DOTALL))


def markdown_of_techniques(book: Book) -> str:
    """Write the table of techniques."""
    head = ("technique", "shown by", "with it", "without", "times")
    return f"{_facts(book)}\n\n{_table(head, techniques.rows(book))}"


def markdown_of_costs(book: Book) -> str:
    """Write the table of the costs of sequencing and presence."""
    head = ("", "figure", "without", "with it")
    return f"{_facts(book)}\n\n{_table(head, costs.rows(book))}"


BLOCKS = {"techniques": markdown_of_techniques, "costs": markdown_of_costs}
"""The tables of modes that compare no servers."""


def summary(name: str, book: Book) -> str:
    """Write the targets, and the medians of the scenarios that say most."""
    columns = SUMMARIES[name]
    rows = [
        (server, *(_middle(book, server, *column[1:]) for column in columns))
        for server in book.versions
    ]
    table = _table(("", *(column[0] for column in columns)), rows)
    parts = [_facts(book), table, _targets(book), _capacity(book), _not_run(book)]
    return "\n\n".join(part for part in parts if part)


def _middle(book: Book, server: str, scenario: str, figure: str, unit: float) -> str:
    median = book.median(scenario, server, figure)
    return "" if median is None else shown(median / unit)


def all_tables(book: Book) -> str:
    """Write all tables."""
    parts = [_facts(book), *_scenarios(book), _versions(book), _not_run(book)]
    return "\n\n".join(part for part in parts if part)


def _facts(book: Book) -> str:
    facts = book.facts
    return (
        f"Run `{book.mode}`: {facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']}, "
        f"Python {facts['python']}; load before it {facts['load_before']}."
    )


def _targets(book: Book) -> str:
    rows = targets.table(book)
    return "### Targets\n\n" + _table(("", "at most", "measured", ""), rows)


def _scenarios(book: Book) -> list[str]:
    return [table for name in book.titles if (table := _scenario(book, name))]


def _scenario(book: Book, name: str) -> str:
    is_connect = name.startswith(("connect", "idle", "storm"))
    wanted: tuple[str, ...] = _CONNECT if is_connect else _LOAD
    wanted += _EXTRA.get(name, ())
    columns = [column for column in COLUMNS if column[1] in wanted]
    rows = [row for server in book.versions if (row := _row(book, name, server, columns))]
    if not rows:
        return ""
    used = [i for i in range(len(columns) + 1) if any(row[i] for row in rows)]
    head = ("", *(column[0] for column in columns))
    chosen = [[row[i] for i in used] for row in rows]
    return f"### {book.titles[name]}\n\n" + _table([head[i] for i in used], chosen)


def _row(
    book: Book, name: str, server: str, columns: Sequence[tuple[str, str, float]]
) -> list[str]:
    spreads = [(book.spread(name, server, figure), unit) for _, figure, unit in columns]
    if not any(spread for spread, _ in spreads):
        return []
    return [server, *(_cell(spread, unit) if spread else "" for spread, unit in spreads)]


def _cell(spread: Spread, unit: float) -> str:
    middle = shown(spread.median / unit)
    if spread.runs == 1:
        return middle
    return f"{middle} ({shown(spread.low / unit)} to {shown(spread.high / unit)})"


def _capacity(book: Book) -> str:
    """Compute the capacity of one core from the figures."""
    fan_out = book.median("fanout_1000_b1_64", targets.US, "cpu_us_per_delivery")
    redis = book.median("private", targets.US, "redis_cpu_us_per_publish")
    kib = book.median("idle_1000", targets.US, "held_kib_per_conn")
    connect = book.median("connect_1000", targets.US, "connect_cpu_us")
    if not (fan_out and redis and kib and connect):
        return ""
    lines = [
        f"- deliveries per core and second: {1e6 / fan_out:,.0f}, one publication at a time",
        f"- connects per core and second: {1e6 / connect:,.0f}, each with its session checked",
        f"- memory: {kib * 1000 / 1024:.1f} MiB per 1,000 connections",
        f"- Redis: {redis:.1f} µs of CPU per private publication",
    ]
    return "### Rule of thumb\n\n" + "\n".join(lines)


def _versions(book: Book) -> str:
    return "### Measured servers\n\n" + _table(("server", "versions"), book.versions.items())


def _not_run(book: Book) -> str:
    if not book.not_run:
        return ""
    return "### Not measured, or doubtful\n\n" + _table(("", "why"), book.not_run.items())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
