"""The deploy checks with a real Redis."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from redis import Redis
from sockgate.channels.online_sender import SignalSender
from sockgate.checks.redis import check_redis, check_signal_senders
from sockgate.redis_clients import pools
from sockgate_gateway.wire.addresses import Kind

from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _project(sockgate: Any, redis: Redis) -> Iterator[None]:
    """Restore the configuration of Redis after the test."""
    names = ("maxmemory-policy", "client-output-buffer-limit", "min-replicas-to-write")
    before = redis.config_get(*names)
    yield
    for name in names:
        redis.config_set(name, before[name])


def ids() -> list[str | None]:
    return [message.id for message in check_redis()]


def test_check_redis_accepts_a_good_configuration(redis: Redis) -> None:
    assert ids() == []


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_check_redis_reports_eviction(redis: Redis, policy: str) -> None:
    redis.config_set("maxmemory-policy", policy)
    assert ids() == ["sockgate.W105"]


@pytest.mark.parametrize("limits", ["1048576 0 0", "33554432 1048576 60"])
def test_check_redis_reports_small_buffers(redis: Redis, limits: str) -> None:
    redis.config_set("client-output-buffer-limit", f"pubsub {limits}")
    assert ids() == ["sockgate.W106"]


def test_check_redis_accepts_buffers_without_limit(redis: Redis) -> None:
    redis.config_set("client-output-buffer-limit", "pubsub 0 0 0")
    assert ids() == []


@pytest.mark.parametrize(("least", "found"), [(0, ["sockgate.W110"]), (1, [])])
def test_check_redis_reports_a_master_that_needs_no_replica(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, least: int, found: list[str]
) -> None:
    redis.config_set("min-replicas-to-write", least)
    monkeypatch.setattr(pools, "kind", lambda: Kind.SENTINEL)
    assert ids() == found


def test_check_redis_reports_a_hidden_configuration(redis: Redis, settings: Any) -> None:
    redis.acl_setuser("app", enabled=True, passwords=["+secret"], commands=["+@all", "-config"])
    address = settings.SOCKGATE["REDIS_URL"].replace("redis://", "redis://app:secret@")
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": address}
    assert ids() == ["sockgate.I101"]
    redis.acl_deluser("app")


def test_check_redis_reports_no_answer(no_redis: None) -> None:
    assert ids() == ["sockgate.E103"]


def test_check_reports_signals_that_no_process_sends(settings: Any) -> None:
    assert [*check_signal_senders()] == []
    settings.SOCKGATE = {**settings.SOCKGATE, "PRESENCE_SIGNALS": True}
    (found,) = check_signal_senders()
    assert found.id == "sockgate.W121"
    assert "manage.py sockgate_signals" in str(found.hint)
    sender = SignalSender()
    thread = Thread(target=sender.run)
    thread.start()
    try:
        wait_until(lambda: not [*check_signal_senders()])
    finally:
        sender.stop()
        thread.join()
    assert [*check_signal_senders()] == [found]
