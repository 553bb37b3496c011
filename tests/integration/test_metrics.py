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
from tests.waiting import until

__all__ = ["start"]

pytestmark = pytest.mark.integration


def kinds(text: str) -> dict[str, str]:
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))


async def test_worker_alone_has_all_metrics_but_those_of_a_supervisor(start: StartGateway) -> None:
    gateway = start()
    alone = {name: row.kind for name, row in ROWS.items() if row.host != "only"}
    await until(lambda: kinds(gateway.ask_ops("/metrics")[1]) == alone)


async def test_host_has_all_metrics(start: StartGateway) -> None:
    gateway = start(workers=2)
    everything = {name: row.kind for name, row in ROWS.items()}
    await until(lambda: kinds(gateway.ask_ops("/metrics", -1)[1]) == everything)
    found = gateway.host_metrics()
    for name, row in ROWS.items():
        if row.host == "each":
            series = [text for text in found if re.match(rf"{name}\b", text)]
            assert sorted(re.findall(r'worker="(\d)"', " ".join(series))) == ["0", "1"], name


async def test_latency_of_publications_is_measured_by_declared_namespace(
    start: StartGateway, django, redis_server
) -> None:
    django.write_namespaces({"room": {"public": True}, "news": {}})
    gateway = start()
    async with gateway.welcomed(django.log_in("sid")) as browser:
        await browser.send(json.dumps({"type": "subscribe", "id": 1, "channel": "room:7"}))
        await receive_until(browser, type="subscribed")
        publisher = Publisher(redis_server.connection_url)
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
async def test_prometheus_finds_nothing_wrong(start: StartGateway, workers: int) -> None:
    """Needs promtool, of Debian's package prometheus for example."""
    promtool = shutil.which("promtool")
    assert promtool, "promtool is not on the path: install Prometheus"
    gateway, port = start(workers=workers), -1 if workers > 1 else 0
    await until(lambda: "sockgate_audit_seconds" in gateway.ask_ops("/metrics", port)[1])
    text = gateway.ask_ops("/metrics", port)[1].encode()
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
