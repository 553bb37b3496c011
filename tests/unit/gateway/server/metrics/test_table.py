"""The table of metrics follows Prometheus's guide, and names what the gateway counts."""

import re
from pathlib import Path

import pytest
import sockgate_gateway
from sockgate_gateway.server.metrics.table import FAILURES, ROWS, SECTIONS, Row

SOURCES = Path(sockgate_gateway.__file__).parent
UNITS = ("_seconds", "_bytes")


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_metric_is_named_by_the_guide(row: Row) -> None:
    assert re.fullmatch(r"(sockgate|process)(_[a-z]+)+", row.name)
    assert row.name.endswith("_total") == (row.kind == "counter")
    assert not re.search("milli|micro|_ms|_mb|_kb|_count|_sum|_bucket|_created", row.name)
    assert row.text.endswith(".")
    assert row.advice.endswith(".")
    assert bool(row.buckets) == (row.kind == "histogram")
    assert list(row.buckets) == sorted(row.buckets)


def test_each_metric_is_in_the_table_once() -> None:
    assert len(ROWS) == sum(map(len, SECTIONS.values()))


def test_every_kind_of_failure_has_a_series() -> None:
    text = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    events = set(re.findall(r'(?:FailureLog\(log, |FAILED\[)"(\w+)"', text))
    (watched,) = re.findall(r"FailureLog\(log, event, .*?for event in \((.*?)\)", text, re.DOTALL)
    assert {*events, *re.findall(r"\w+", watched.replace('"', ""))} == set(FAILURES)


def test_every_reason_of_a_refusal_has_a_series() -> None:
    text = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    reasons = {*re.findall(r'refusal="(\w+)"', text), *re.findall(r'full, cause = "(\w+)"', text)}
    known = ROWS["sockgate_refused_connects_total"].labels["reason"]
    assert {*reasons, "origin"} == set(known)
