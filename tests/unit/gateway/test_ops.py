"""Health, readiness and metrics: what is asked, and what is told."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from gateway.ops import ops_application


@asynccontextmanager
async def asking(house, is_ready):
    """Serve the ops application on a free port."""
    server = HTTPServer(ops_application(house.endpoint, is_ready))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    port, client = sockets[0].getsockname()[1], AsyncHTTPClient(force_instance=True)

    async def ask(path: str) -> HTTPResponse:
        return await client.fetch(f"http://127.0.0.1:{port}{path}", raise_error=False)

    try:
        yield ask
    finally:
        client.close()
        server.stop()
        await server.close_all_connections()


async def metrics(ask) -> dict[str, float]:
    families = text_string_to_metric_families((await ask("/metrics")).body.decode())
    samples = [sample for family in families for sample in family.samples]
    return {"/".join((s.name, *s.labels.values())): s.value for s in samples}


async def test_health_is_told_even_when_nobody_is_served(house):
    async with asking(house, lambda: False) as ask:
        answer = await ask("/health")
        assert (answer.code, answer.body) == (200, b"ok\n")
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("is_ready", "code", "body"), [(True, 200, b"ready\n"), (False, 503, b"not ready\n")]
)
async def test_readiness_is_told_by_the_status(house, is_ready, code, body):
    async with asking(house, lambda: is_ready) as ask:
        answer = await ask("/ready")
        assert (answer.code, answer.body) == (code, body)


async def test_metrics_tell_what_is_and_what_was(house):
    await house.welcome("a", "7")
    gone = await house.welcome("b", "8")
    house.attach()
    house.broker.publish("broadcast", b"1")
    house.broker.publish("user:7", b"\xff")
    gone.leaves()
    house.broker.cut()
    house.broker.mend()
    async with asking(house, lambda: True) as ask:
        told = await metrics(ask)
    expected = {
        "sockgate_ready": 1,
        "sockgate_connections": 2,
        "sockgate_unauthenticated": 1,
        "sockgate_users": 1,
        "sockgate_channels": 2,
        "sockgate_publications_total": 2,
        "sockgate_deliveries_total": 2,
        "sockgate_dropped_total": 1,
        "sockgate_gaps_total/plain": 2,
        "sockgate_opened_total/fake": 3,
        "sockgate_closed_total/1006": 1,
    }
    assert {name: told.get(name) for name in expected} == expected


async def test_nothing_else_is_there(house):
    async with asking(house, lambda: True) as ask:
        answers = await asyncio.gather(ask("/"), ask("/realtime/info"))
    assert [answer.code for answer in answers] == [404, 404]
