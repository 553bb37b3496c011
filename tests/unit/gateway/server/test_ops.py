"""Health, readiness and metrics."""

import asyncio
import json
import re
from contextlib import asynccontextmanager
from types import SimpleNamespace

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sockgate_gateway.errors import Disconnect
from sockgate_gateway.histogram import SECONDS, Histogram
from sockgate_gateway.server.metrics.table import ROWS
from sockgate_gateway.server.metrics.worker_metrics import WorkerMetrics
from sockgate_gateway.server.ops import ops_application
from sockgate_gateway.server.watch.reports import WorkerReport, read_report
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from tests.unit.gateway.memory_worker import MemoryWorker

UNKNOWN_SESSIONS = {"foreign": 2}


@asynccontextmanager
async def asking(worker, *, is_ready: bool):
    """Serve the ops application on a free port."""
    reasons = [] if is_ready else ["no probe for 5.1 s"]
    readiness = SimpleNamespace(reasons=reasons, notes=["Redis is slow"])
    redis = SimpleNamespace(
        latency_s=0.25,
        offset_s=7.0,
        evicted=12,
        takes_writes=False,
        own_connections_busy=9,
        round_trips=Histogram(SECONDS),
    )
    redis.round_trips.observe(0.3)
    metrics = WorkerMetrics(
        worker,
        UNKNOWN_SESSIONS,
        SimpleNamespace(displaced_requests=6, refused_origins=5, accept_pauses=4),
        readiness,
        redis,
        SimpleNamespace(probe_times=Histogram(SECONDS), classic_publications=5),
        SimpleNamespace(sent=3),
    )
    sent = WorkerReport(0, 7, True, [], [], metrics.read())
    assert read_report(msgspec.json.encode(sent)) == sent
    server = HTTPServer(ops_application(metrics, readiness))
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
    worker.notices.held, worker.names.refused = 8, 4
    async with asking(worker, is_ready=True) as ask:
        values = await metrics(ask)
    expected = {
        "sockgate_ready": 1,
        "sockgate_redis_latency_seconds": 0.25,
        "sockgate_redis_clock_offset_seconds": 7,
        "sockgate_redis_evicted_keys_total": 12,
        "sockgate_held_leaves_total": 8,
        "sockgate_refused_names_total": 4,
        "sockgate_refused_connects_total/origin": 5,
        "sockgate_unknown_sessions_total/foreign": 2,
        "sockgate_redis_round_trip_seconds_bucket/0.25": 0,
        "sockgate_redis_round_trip_seconds_bucket/0.5": 1,
        "sockgate_redis_round_trip_seconds_sum": 0.3,
        "sockgate_read_publications_bucket/1.0": 2,
        "sockgate_connect_seconds_count/channels": 2,
        "sockgate_connections_limit": 99,
        "sockgate_displaced_requests_total": 6,
        "sockgate_accept_pauses_total": 4,
        "sockgate_redis_own_connections_busy_total": 9,
        "sockgate_redis_takes_writes": 0,
        "sockgate_balanced_total": 3,
        "sockgate_classic_publications_total": 5,
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


async def test_known_labels_have_a_series_before_their_first_event(worker):
    async with asking(worker, is_ready=True) as ask:
        values = await metrics(ask)
    expected = {
        f"{row.name}/{label}"
        for row in ROWS.values()
        if row.kind == "counter" and row.host != "only"
        for known in row.labels.values()
        for label in known
    }
    assert len(expected) > 40
    assert expected - set(values) == set()


async def test_every_metric_of_the_table_is_there_and_no_other(worker):
    async with asking(worker, is_ready=True) as ask:
        answer = await ask("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = dict(re.findall(r"^# TYPE (\S+) (\S+)$", answer.body.decode(), re.MULTILINE))
    assert found == {row.name: row.kind for row in ROWS.values() if row.host != "only"}


async def test_refused_connects_are_counted_by_reason(clock):
    worker = MemoryWorker(clock, max_per_user=1, max_per_address=1)
    await worker.connect_client("a", "7")
    worker.open_client().send_token(worker.log_in("b", "7"))
    worker.lifecycle.refuse_all("another deployment")
    worker.open_client("192.0.2.9").send_token(worker.log_in("c", "8"))
    worker.lifecycle.is_draining = True
    with pytest.raises(Disconnect):
        worker.open_client()
    assert worker.lifecycle.refused_count == {"user": 1, "unavailable": 1, "draining": 1}
