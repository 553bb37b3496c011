"""The tables of docs/metrics.md."""

from sockgate_gateway.server.metrics.table import SECTIONS, Row


def tables() -> str:
    """Return a table for each section."""
    return "".join(f"\n## {name}\n{_table(rows)}" for name, rows in SECTIONS.items())


def _table(rows: tuple[Row, ...]) -> str:
    head = "| metric | kind | labels | what it says | look when |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| `{row.name}` | {row.kind} | {_labels(row)} | {row.text} | {row.advice} |\n"
        for row in rows
    )


def _labels(row: Row) -> str:
    known = [
        f"`{name}`: {', '.join(f'`{value}`' for value in values)}" if values else f"`{name}`"
        for name, values in row.labels.items()
    ]
    return "; ".join(["`worker` (host)", *known] if row.host == "each" else known)
