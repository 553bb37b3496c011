"""The gain of each technique: the gateway with and without it."""

from .figures import Book
from .servers.without import TECHNIQUES

CPU, CONNECT, MEMORY = "cpu_us_per_delivery", "connect_cpu_us", "kib_per_conn"

UNITS = {CPU: "CPU µs a delivery", CONNECT: "CPU µs a connect", MEMORY: "KiB a connection"}

SHOWN = (
    ("draining", "fanout_1000_b64_64", CPU),
    ("draining", "private", CPU),
    ("shared_encoding", "fanout_1000_b1_64", CPU),
    ("shared_encoding", "fanout_1000_b64_64", CPU),
    ("direct_write", "fanout_1000_b1_64", CPU),
    ("direct_write", "private", CPU),
    ("shortcut", "connect_1000", CONNECT),
    ("own_epoll", "connect_8000", CONNECT),
    ("own_epoll", "connect_8000", MEMORY),
    ("timer_wheel", "connect_8000", MEMORY),
    ("batched_checks", "connect_1000", CONNECT),
    ("hiredis_packing", "connect_1000", CONNECT),
    ("tuned_collector", "connect_8000", CONNECT),
)
"""Techniques, with the scenario and the figure to compare."""


def rows(book: Book) -> list[tuple[str, ...]]:
    """Compare, within one file of results."""
    found = (_row(book, *shown) for shown in SHOWN)
    return [row for row in found if row]


def _row(book: Book, technique: str, scenario: str, figure: str) -> tuple[str, ...]:
    ours = book.median(scenario, "sockgate", figure)
    bare = book.median(scenario, f"without {technique}", figure)
    if not ours or not bare:
        return ()
    title = f"{book.titles[scenario]}: {UNITS[figure]}"
    return TECHNIQUES[technique], title, f"{ours:.3g}", f"{bare:.3g}", f"{bare / ours:.2f}"
