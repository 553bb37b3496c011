"""Readings: the values of metrics, as they travel in reports; and their form for Prometheus. Pure.

The library of Prometheus writes the text. Its own counters and histograms are not used: they take
a lock for each value, and ours are plain attributes of the parts.
"""

from collections.abc import Iterable, Mapping
from itertools import product
from math import inf

from prometheus_client.metrics_core import Metric

from .table import ROWS, Row

Value = float | list[float]
"""A number; for a histogram, the count of each bucket, and then the sum of all values."""

Labels = tuple[str, ...]
"""The values of all labels, in the order of the table; with a worker, its number is first."""

Series = tuple[Labels, Value]

Readings = dict[str, list[Series]]
"""What was read, by the name of the metric."""


def families(readings: Mapping[str, Iterable[Series]], *, host: bool) -> list[Metric]:
    """Return readings in the form of the library, with a series for each known label.

    Args:
        readings: what was read.
        host: whether they are of all workers, and some have the label ``worker``.
    """
    return [
        _family(row, dict(readings[name]), has_worker=host and row.host == "each")
        for name, row in ROWS.items()
        if name in readings
    ]


def _family(row: Row, series: dict[Labels, Value], *, has_worker: bool) -> Metric:
    family = Metric(row.name.removesuffix("_total"), row.text, row.kind)
    names = ("worker", *row.labels) if has_worker else tuple(row.labels)
    known = [] if has_worker or not row.labels else product(*row.labels.values())
    nothing: Value = [0.0] * (len(row.buckets) + 2) if row.buckets else 0.0
    for labels in sorted({*series, *known}):
        named = dict(zip(names, labels, strict=True))
        value = series.get(labels, nothing)
        if isinstance(value, list):
            _add_buckets(family, row, named, value)
        else:
            family.add_sample(row.name, named, value)
    return family


def _add_buckets(family: Metric, row: Row, labels: dict[str, str], value: list[float]) -> None:
    count = 0.0
    for bound, inside in zip((*row.buckets, inf), value[:-1], strict=True):
        count += inside
        family.add_sample(f"{row.name}_bucket", {**labels, "le": bound_of(bound)}, count)
    family.add_sample(f"{row.name}_count", labels, count)
    family.add_sample(f"{row.name}_sum", labels, value[-1])


def bound_of(bound: float) -> str:
    """Write a bound as Prometheus does, so that queries find it: ``1.0``, ``+Inf``."""
    return "+Inf" if bound == inf else repr(bound)


def add(one: Value, other: Value) -> Value:
    """Add two values of one series."""
    if isinstance(one, list) and isinstance(other, list):
        return [a + b for a, b in zip(one, other, strict=True)]
    return float(one) + float(other)  # type: ignore[arg-type]
