"""Metrics of a running gateway: all that the table names, in a form that Prometheus reads."""

import json
import re
import shutil
import subprocess

import pytest
from sockgate import Publisher
from sockgate_gateway.server.metrics.table import ROWS

from tests.integration.gatewayprocess import receive_until
from tests.integration.test_supervisor import StartGateway, start
from tests.waiting import wait_until

__all__ = ["start"]

pytestmark = pytest.mark.integration


def kinds(text: str) -> dict[str, str]:
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))


def test_worker_alone_has_all_metrics_but_those_of_a_supervisor(start: StartGateway) -> None:
    gateway = start()
    alone = {name: row.kind for name, row in ROWS.items() if row.host != "only"}
    wait_until(lambda: kinds(gateway.ask_ops("/metrics")[1]) == alone)


def test_host_has_all_metrics(start: StartGateway) -> None:
    gateway = start(workers=2)
    everything = {name: row.kind for name, row in ROWS.items()}
    wait_until(lambda: kinds(gateway.ask_ops("/metrics", -1)[1]) == everything)
    each = {name for name, row in ROWS.items() if row.host == "each"}
    wait_until(lambda: has_workers(gateway.host_metrics(), each, 2))


def has_workers(found: dict[str, float], names: set[str], count: int) -> bool:
    """Return whether these metrics have a series for each worker, and no other series."""
    series = {name: [] for name in names}
    for text in found:
        name, _, labels = text.partition("{")
        if name in names:
            series[name] += re.findall(r'worker="(\d)"', labels) or ["none"]
    return all(sorted(found) == list("0123"[:count]) for found in series.values())


async def test_latency_of_publications_is_measured_by_declared_namespace(
    start: StartGateway, django, redis_server
) -> None:
    django.write_namespaces({"room": {"public": True}, "news": {}})
    gateway = start()
    async with gateway.welcomed(django.log_in("sid")) as browser:
        await browser.send(json.dumps({"type": "subscribe", "id": 1, "channel": "room:7"}))
        await receive_until(browser, type="subscribed")
        with Publisher(redis_server.connection_url) as publisher:
            for channel in ("room:7", "user:7"):
                publisher.publish_to(channel, "said", 1, sequenced=True)
                await receive_until(browser, channel=channel)
    latency = "sockgate_publication_latency_seconds"
    found = [
        gateway.metric(f'{latency}_count{{namespace="{n}"}}') for n in ("room", "other", "news")
    ]
    assert found == [1, 1, 0]
    assert 0 <= gateway.metric(f'{latency}_sum{{namespace="room"}}') < 60


@pytest.mark.soak
@pytest.mark.parametrize("workers", [1, 2])
def test_prometheus_finds_nothing_wrong(start: StartGateway, workers: int) -> None:
    """Needs promtool, of Debian's package prometheus for example."""
    promtool = shutil.which("promtool")
    assert promtool, "promtool is not on the path: install Prometheus"
    gateway, port = start(workers=workers), -1 if workers > 1 else 0
    wait_until(lambda: "sockgate_audit_seconds" in gateway.ask_ops("/metrics", port)[1])
    text = gateway.ask_ops("/metrics", port)[1].encode()
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
