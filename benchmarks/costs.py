"""The cost of sequencing and presence: the same load with and without them, in one run."""

from .figures import Book, shown

CPU, REDIS = "gateway, CPU µs a delivery", "Redis, CPU µs a publication"
COMING, STAYING = "Redis, CPU µs to come", "Redis, CPU µs a connection and minute"
FIGURES = {
    CPU: ("cpu_us_per_delivery", 1),
    REDIS: ("redis_cpu_us_per_publish", 1),
    "p50 ms": ("p50_us", 1000),
    "p99 ms": ("p99_us", 1000),
    "gateway, CPU µs to come": ("connect_cpu_us", 1),
    COMING: ("connect_redis_cpu_us", 1),
    STAYING: ("hold_redis_us_per_conn_minute", 1),
}

_SEQUENCED = ("private", "private_rate", "fanout_1000_b1_64")
_PRESENT = ("subscribed_counted", "subscribed_join_leave")
SHOWN = (
    *((name, f"{name}_sequenced", title) for name in _SEQUENCED for title in [*FIGURES][:4]),
    *(("subscribed_plain", name, title) for name in _PRESENT for title in [*FIGURES][4:]),
)
"""The scenario without, the one with, and the figure to compare."""


def rows(book: Book) -> list[tuple[str, ...]]:
    """Compare, within one file of results."""
    found = (_row(book, *what) for what in SHOWN)
    return [row for row in found if row]


def _row(book: Book, without: str, with_it: str, title: str) -> tuple[str, ...]:
    figure, unit = FIGURES[title]
    bare, ours = book.median(without, "sockgate", figure), book.median(with_it, "sockgate", figure)
    if bare is None or ours is None:
        return ()
    return book.titles[with_it], title, shown(bare / unit), shown(ours / unit)
