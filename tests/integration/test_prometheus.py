"""The dashboard and the alerts, in a real Prometheus that scrapes a gateway under load."""

import asyncio
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from math import isnan
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from sockgate import Publisher
from sockgate_gateway.wire.names import BROADCAST

from tests.integration.gatewayprocess import Django, Gateway, receive_until
from tests.integration.test_supervisor import StartGateway, start
from tests.ports import free_port
from tests.waiting import wait_until

__all__ = ["start"]

pytestmark = [pytest.mark.integration, pytest.mark.soak]

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "sockgate.json").read_text())
RULES = DEPLOY / "prometheus" / "sockgate.rules.yml"
GRAFANA = {"$job": ".*", "$instance": ".*", "$__rate_interval": "30s"}
TABS = 20
LARGE = "x" * 60_000
UNREAD = 80
"""More of these than the kernel keeps for a client that does not read, and less than the outbox."""

CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: sockgate
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Prometheus:
    """A running Prometheus, by its HTTP API."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1/"

    def ask(self, path: str, **query: str) -> Any:
        with urlopen(f"{self._url}{path}?{urlencode(query)}", timeout=20) as answer:
            return json.load(answer)["data"]

    def is_up(self) -> bool:
        try:
            return bool(self.ask("query", query="up == 1")["result"])
        except (URLError, OSError):
            return False

    def has_numbers(self, expression: str) -> bool:
        """Return whether an expression has a series with a number now."""
        found = self.ask("query", query=expression)["result"]
        return any(not isnan(float(series["value"][1])) for series in found)


@contextmanager
def running_prometheus(folder: Path, gateway: Gateway) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes the host's port of a gateway, and loads our rules."""
    program = shutil.which("prometheus")
    assert program, "prometheus is not on the path: install it, Debian has it"
    port, config = free_port(), folder / "prometheus.yml"
    config.write_text(CONFIG.format(rules=RULES, port=gateway.host_port))
    flags = {
        "config.file": config,
        "storage.tsdb.path": folder / "data",
        "web.listen-address": f"127.0.0.1:{port}",
    }
    command = [program, *(f"--{name}={value}" for name, value in flags.items())]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        prometheus = Prometheus(port)
        wait_until(prometheus.is_up, (folder / "log").read_text)
        yield prometheus
    finally:
        process.terminate()
        process.wait()


def panels() -> dict[str, list[str]]:
    """Return the queries of each panel, as Grafana asks them."""

    def asked(expression: str) -> str:
        for variable, value in GRAFANA.items():
            expression = expression.replace(variable, value)
        return expression

    return {
        panel["title"]: [asked(target["expr"]) for target in panel["targets"]]
        for panel in DASHBOARD["panels"]
        if panel["type"] != "row"
    }


def selectors(expression: str) -> list[str]:
    """Return the series that an expression reads."""
    found = re.findall(r"\b((?:sockgate|process)_\w+)({[^}]*})?", expression)
    return [name + labels for name, labels in found]


def with_small_window(gateway: Gateway) -> socket.socket:
    """Return a connected socket that takes little while its client does not read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", gateway.port))
    return sock


async def load(gateway: Gateway, django: Django, publisher: Publisher, stop: asyncio.Event) -> None:
    """Publish to tabs; one comes back again and again, and one does not read."""
    async with AsyncExitStack() as stack:
        for number in range(TABS):
            tab = await stack.enter_async_context(gateway.welcomed(django.log_in(f"s{number}")))
            await subscribe(tab, "room:7")
            await receive_until(tab, type="subscribed")
            stack.callback(asyncio.create_task(read_on(tab)).cancel)
        since: dict[str, Any] = {}
        while not stop.is_set():
            for number in range(40):
                publisher.publish_to("room:7", "said", number, sequenced=True)
                publisher.publish(7, "news", number)
            publisher.publish_to(BROADCAST, "all", 1)
            since = await come_back(gateway, django, since)
            await leave_unread(gateway, django, publisher)


async def leave_unread(gateway: Gateway, django: Django, publisher: Publisher) -> None:
    """Publish to a client that does not read, until much waits for it in the gateway."""
    sock = with_small_window(gateway)
    async with gateway.welcomed(django.log_in("silent"), sock=sock, max_queue=1) as tab:
        await subscribe(tab, "room:unread")
        await receive_until(tab, type="subscribed")
        for _ in range(UNREAD):
            publisher.publish_to("room:unread", "said", LARGE)
        tab.transport.abort()


async def subscribe(tab: Any, channel: str, **more: Any) -> None:
    await tab.send(json.dumps({"type": "subscribe", "id": 1, "channel": channel, **more}))


async def read_on(tab: Any) -> None:
    async for _ in tab:
        pass


async def come_back(gateway: Gateway, django: Django, since: dict[str, Any]) -> dict[str, Any]:
    """Connect, recover from a position, and return the position of now."""
    async with gateway.welcomed(django.log_in("back")) as tab:
        await subscribe(tab, "room:7", **since)
        frame = await receive_until(tab, type="subscribed")
        return {"recover": [frame["epoch"], frame["offset"]]}


async def test_each_panel_and_each_alert_has_data(
    start: StartGateway, django: Django, redis_server: Any, tmp_path: Path
) -> None:
    django.write_namespaces({"room": {"public": True}})
    gateway = start(workers=2, audit_interval=2, max_outbox=UNREAD * len(LARGE))
    stop = asyncio.Event()
    with (
        running_prometheus(tmp_path, gateway) as prometheus,
        Publisher(redis_server.connection_url) as publisher,
    ):
        loading = asyncio.create_task(load(gateway, django, publisher, stop))
        try:
            for title, queries in panels().items():
                for query in queries:
                    await asyncio.to_thread(wait_for_numbers, prometheus, query, title, loading)
            groups = (await asyncio.to_thread(prometheus.ask, "rules"))["groups"]
            alerts = [rule for group in groups for rule in group["rules"]]
            for alert in alerts:
                assert (alert["health"], alert.get("lastError")) == ("ok", None), alert
                for series in selectors(alert["query"]):
                    assert await asyncio.to_thread(prometheus.has_numbers, series), series
            assert len(alerts) == RULES.read_text().count("- alert:")
            assert [one["name"] for one in alerts if one["state"] == "firing"] == []
        finally:
            stop.set()
            await loading


def wait_for_numbers(
    prometheus: Prometheus, query: str, title: str, loading: "asyncio.Task[None]"
) -> None:
    wait_until(lambda: loading.done() or prometheus.has_numbers(query), lambda: f"{title}: {query}")
