"""The alert rules and the dashboard name metrics that exist, and each alert is explained."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RULES = (ROOT / "deploy" / "prometheus" / "sockgate.rules.yml").read_text()
TESTS = ROOT / "deploy" / "prometheus" / "tests.yml"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "sockgate.json").read_text())
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
SERVER = ROOT / "gateway" / "sockgate_gateway" / "server"
ALERT = re.compile(r"^      - alert: (\w+)\n        expr: (.+)$", re.MULTILINE)
METRIC = re.compile(r"\bsockgate_\w+")


def existing() -> set[str]:
    """Return the names of metrics in the gateway's sources, those of counters with ``_total``."""
    text = "".join(path.read_text() for path in SERVER.rglob("*.py"))
    names = set(re.findall(r'"(sockgate_\w+)"', text))
    # These two are written in a loop.
    of_redis = re.findall(r'\(\s*"(latency|clock_offset)",', text)
    seconds = {f"sockgate_redis_{name}_seconds" for name in of_redis}
    return {*names, *(f"{name}_total" for name in names), *seconds}


def test_rules_name_metrics_that_exist() -> None:
    named = {name for _, expression in ALERT.findall(RULES) for name in METRIC.findall(expression)}
    assert len(named) > 10
    assert named - existing() == set()


def test_dashboard_names_metrics_that_exist() -> None:
    targets = [panel["targets"] for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    named = {name for one in targets for target in one for name in METRIC.findall(target["expr"])}
    assert len(named) > 15
    assert named - existing() == set()


def test_each_alert_has_a_heading_and_its_expression_in_operations() -> None:
    alerts = ALERT.findall(RULES)
    assert re.findall(r"^## (\w+)$", OPERATIONS, re.MULTILINE) == [name for name, _ in alerts]
    for name, expression in alerts:
        assert f"docs/operations.md#{name.lower()}" in RULES
        plain = json.loads(expression) if expression[0] == '"' else expression
        assert f"`{plain}`" in OPERATIONS, name


def test_each_alert_has_a_situation_in_which_it_fires() -> None:
    fired = re.findall(r"alertname: (\w+)\n        exp_alerts:", TESTS.read_text())
    assert set(fired) == {name for name, _ in ALERT.findall(RULES)}


@pytest.mark.soak
def test_rules_fire_in_their_own_situation_only() -> None:
    """Needs promtool, of Debian's package prometheus for example."""
    promtool = shutil.which("promtool")
    assert promtool, "promtool is not on the path: install Prometheus"
    command = [promtool, "test", "rules", str(TESTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
