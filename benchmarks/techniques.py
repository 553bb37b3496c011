"""What each technique brings: the product beside itself without it."""

from .figures import Book
from .servers.without import TECHNIQUES

CPU, CONNECT = "cpu_us_per_delivery", "connect_cpu_us"

SHOWN = (
    ("draining", "fanout_1000_b64_64", CPU),
    ("draining", "private", CPU),
    ("shared_encoding", "fanout_1000_b1_64", CPU),
    ("shared_encoding", "fanout_1000_b64_64", CPU),
    ("direct_write", "fanout_1000_b1_64", CPU),
    ("direct_write", "private", CPU),
    ("shortcut", "connect_1000", CONNECT),
    ("batched_checks", "connect_1000", CONNECT),
    ("tuned_collector", "connect_8000", CONNECT),
)
"""Technique, and the scenario and the figure in which it shows."""


def rows(book: Book) -> list[tuple[str, ...]]:
    """Compare, within one file of results."""
    found = (_row(book, *shown) for shown in SHOWN)
    return [row for row in found if row]


def _row(book: Book, technique: str, scenario: str, figure: str) -> tuple[str, ...]:
    ours = book.median(scenario, "sockgate", figure)
    bare = book.median(scenario, f"without {technique}", figure)
    if not ours or not bare:
        return ()
    title = book.titles[scenario]
    return TECHNIQUES[technique], title, f"{ours:.3g}", f"{bare:.3g}", f"{bare / ours:.2f}"
