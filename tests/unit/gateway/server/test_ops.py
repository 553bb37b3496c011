"""Health, readiness and metrics."""

import asyncio
import json
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sockgate_gateway.server.ops import WorkerCollector, ops_application
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

UNKNOWN_SESSIONS = {"foreign": 2}


@asynccontextmanager
async def asking(worker, *, is_ready: bool):
    """Serve the ops application on a free port."""
    reasons = [] if is_ready else ["no probe for 5.1 s"]
    readiness = SimpleNamespace(reasons=reasons, notes=["Redis is slow"])
    redis = SimpleNamespace(
        latency_s=0.25, offset_s=7.0, evicted=12, takes_writes=False, own_connections_busy=9
    )
    collector = WorkerCollector(
        worker.lifecycle,
        worker.registry,
        worker.hub,
        SimpleNamespace(refused=4),
        SimpleNamespace(held=8),
        UNKNOWN_SESSIONS,
        SimpleNamespace(count=6),
        readiness,
        redis,
        SimpleNamespace(sent=3),
    )
    server = HTTPServer(ops_application(collector, readiness))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    port, client = sockets[0].getsockname()[1], AsyncHTTPClient(force_instance=True)

    async def ask(path: str, **headers: str) -> HTTPResponse:
        url = f"http://127.0.0.1:{port}{path}"
        return await client.fetch(url, raise_error=False, headers=headers)

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


async def test_health_is_ok_even_when_no_client_is_served(worker):
    async with asking(worker, is_ready=False) as ask:
        answer = await ask("/health")
        assert (answer.code, answer.body) == (200, b"ok\n")
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("is_ready", "code", "body"),
    [
        (True, 200, b"ready\nRedis is slow\n"),
        (False, 503, b"not ready\nno probe for 5.1 s\nRedis is slow\n"),
    ],
)
async def test_readiness_is_the_status(worker, is_ready, code, body):
    async with asking(worker, is_ready=is_ready) as ask:
        answer = await ask("/ready")
        assert (answer.code, answer.body) == (code, body)


async def test_reasons_are_json_where_that_is_asked_for(worker):
    async with asking(worker, is_ready=False) as ask:
        answer = await ask("/ready", Accept="application/json")
    assert answer.code == 503
    expected = {"ready": False, "reasons": ["no probe for 5.1 s"], "degraded": ["Redis is slow"]}
    assert json.loads(answer.body) == expected


async def test_metrics_have_gauges_and_counters(worker):
    await worker.connect_client("a", "7")
    gone = await worker.connect_client("b", "8")
    worker.open_client()
    worker.broker.publish("broadcast", b"1")
    worker.broker.publish("user:7", b"\xff")
    gone.disconnect()
    worker.broker.cut()
    worker.broker.mend()
    async with asking(worker, is_ready=True) as ask:
        values = await metrics(ask)
    expected = {
        "sockgate_ready": 1,
        "sockgate_redis_latency_seconds": 0.25,
        "sockgate_redis_clock_offset_seconds": 7,
        "sockgate_redis_evicted_keys_total": 12,
        "sockgate_held_leaves_total": 8,
        "sockgate_displaced_requests_total": 6,
        "sockgate_redis_own_connections_busy_total": 9,
        "sockgate_redis_takes_writes": 0,
        "sockgate_balanced_total": 3,
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
    assert {name: values.get(name) for name in expected} == expected


async def test_other_paths_are_not_found(worker):
    async with asking(worker, is_ready=True) as ask:
        answers = await asyncio.gather(ask("/"), ask("/realtime/info"))
    assert [answer.code for answer in answers] == [404, 404]
