"""The alert rules and the dashboard use metrics as they are, and each alert is explained."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sockgate_gateway.server.metrics.table import ROWS, Row

ROOT = Path(__file__).resolve().parents[2]
RULES = (ROOT / "deploy" / "prometheus" / "sockgate.rules.yml").read_text()
TESTS = ROOT / "deploy" / "prometheus" / "tests.yml"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "sockgate.json").read_text())
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
ALERT = re.compile(r"^      - alert: (\w+)\n        expr: (.+)$", re.MULTILINE)
SERIES = re.compile(
    r"(?P<function>\w+\()?\b(?P<name>(?:sockgate|process)_\w+)(?:{(?P<labels>[^}]*)})?(?P<range>\[)?"
)
OF_COUNTERS = ("rate(", "increase(")
ADDED_BY_PROMETHEUS = {"job", "instance"}


def expression(written: str) -> str:
    """Return an expression of the rules without the quotes of YAML."""
    return json.loads(written) if written[0] == '"' else written


ALERTS = {name: expression(written) for name, written in ALERT.findall(RULES)}
PANELS = {
    panel["title"]: [target["expr"] for target in panel["targets"]]
    for panel in DASHBOARD["panels"]
    if panel["type"] != "row"
}
EXPRESSIONS = {**{name: [one] for name, one in ALERTS.items()}, **PANELS}


def row_of(name: str) -> Row:
    """Return the row of a series: a histogram has three."""
    found = ROWS.get(name) or ROWS[re.sub("_(bucket|sum|count)$", "", name)]
    assert (found.kind == "histogram") == (found.name != name), name
    return found


def labels_of(row: Row) -> set[str]:
    """Return the labels that the series of a metric may have."""
    workers = {"worker"} if row.host == "each" else set()
    return {*row.labels, *workers, *ADDED_BY_PROMETHEUS}


def wrong_uses(expression: str) -> Iterator[str]:
    """Return what an expression takes for what it is not."""
    for found in SERIES.finditer(expression):
        row = row_of(found["name"])
        is_rate = found["function"] in OF_COUNTERS
        if is_rate != bool(found["range"]) or is_rate != (row.kind != "gauge"):
            yield f"{found['name']} is a {row.kind}"
        for label, value in re.findall(r'(\w+)=~?"([^"$]*)', found["labels"] or ""):
            known = row.labels.get(label, ())
            if label not in labels_of(row) or (known and not set(value.split("|")) <= {*known}):
                yield f"{found['name']} has no {label}={value}"


@pytest.mark.parametrize("title", EXPRESSIONS)
def test_expression_uses_metrics_as_they_are(title: str) -> None:
    for one in EXPRESSIONS[title]:
        assert not list(wrong_uses(one)), one


@pytest.mark.parametrize(
    "wrong",
    [
        "rate(sockgate_connections[5m])",
        "sockgate_closed_total > 5",
        "increase(sockgate_closed_total) > 5",
        'rate(sockgate_closed_total{code="4409"}[5m])',
        'rate(sockgate_closed_total{cause="4400"}[5m])',
        "sockgate_connect_seconds_bucket",
    ],
)
def test_wrong_expression_is_noticed(wrong: str) -> None:
    assert list(wrong_uses(wrong))


@pytest.mark.parametrize("unknown", ["sockgate_connection", "rate(sockgate_connect_seconds[5m])"])
def test_unknown_series_is_noticed(unknown: str) -> None:
    with pytest.raises((KeyError, AssertionError)):
        list(wrong_uses(unknown))


def test_dashboard_has_the_four_signals_of_each_part() -> None:
    named = {
        found["name"]
        for panel in PANELS.values()
        for one in panel
        for found in SERIES.finditer(one)
    }
    assert len({row_of(name).name for name in named}) > 35


def test_each_alert_has_a_heading_and_its_expression_in_operations() -> None:
    assert re.findall(r"^## (\w+)$", OPERATIONS, re.MULTILINE) == list(ALERTS)
    for name, plain in ALERTS.items():
        assert f"docs/operations.md#{name.lower()}" in RULES
        assert f"`{plain}`" in OPERATIONS, name


def test_each_alert_has_a_situation_in_which_it_fires() -> None:
    fired = re.findall(r"alertname: (\w+)\n        exp_alerts:", TESTS.read_text())
    assert set(fired) == set(ALERTS)


@pytest.mark.soak
def test_rules_fire_in_their_own_situation_only() -> None:
    """Needs promtool, of Debian's package prometheus for example."""
    promtool = shutil.which("promtool")
    assert promtool, "promtool is not on the path: install Prometheus"
    command = [promtool, "test", "rules", str(TESTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
