"""Sequenced publications: delivery, order and history."""

import json
import re
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from redis import Redis
from sockgate import (
    abroadcast,
    aposition,
    apublish,
    apublish_many,
    apublish_to,
    broadcast,
    position,
    publish,
    publish_many,
    publish_to,
)
from sockgate.redis_clients import pools
from sockgate_gateway.wire.errors import ChannelNameError
from sockgate_gateway.wire.publication import Publication, read_publication

from tests.integration.sockgate.conftest import NAMES, Subscriber

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _project(sockgate: Any) -> None:
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, "NAMESPACES": {"user": {"history": 3}}}


def received(subscriber: Subscriber) -> list[tuple[str, int, Any]]:
    """Return (channel, offset, data) of the publications; offset 0: a plain publication."""
    read = [(channel, read_publication(raw)) for channel, raw in subscriber.messages()]
    return [(c, p.offset, json.loads(p.payload)["data"]) for c, p in read]


def kept(redis: Redis, channel: str) -> list[tuple[int, Any]]:
    entries: Any = redis.lrange(NAMES.history(channel), 0, -1)
    fields = (entry.split(b" ", 2) for entry in entries)
    return [(int(offset), json.loads(payload)["data"]) for offset, _, payload in fields]


def test_publish_of_a_namespace_with_history_is_sequenced(
    redis: Redis, subscriber: Subscriber
) -> None:
    for number in (1, 2):
        assert publish(1, "news", number) == 1
    assert received(subscriber) == [("rt:user:1", 1, 1), ("rt:user:1", 2, 2)]
    assert kept(redis, "user:1") == [(1, 1), (2, 2)]


def test_publish_keeps_as_many_as_the_namespace_allows(redis: Redis) -> None:
    for number in range(5):
        publish(1, "news", number)
    assert [data for _, data in kept(redis, "user:1")] == [2, 3, 4]


def test_publish_may_be_plain_in_a_namespace_with_history(
    redis: Redis, subscriber: Subscriber
) -> None:
    publish(1, "news", 1, sequenced=False)
    assert received(subscriber) == [("rt:user:1", 0, 1)]
    assert redis.keys() == []


def test_publish_elsewhere_is_sequenced_on_request(subscriber: Subscriber) -> None:
    broadcast("news", 1)
    assert broadcast("news", 2, sequenced=True) == 1
    assert received(subscriber) == [("rt:broadcast", 0, 1), ("rt:broadcast", 1, 2)]


def test_publish_writes_what_the_wire_reads(redis: Redis, subscriber: Subscriber) -> None:
    publish(1, "news", "é")
    (_, raw), epoch = subscriber.messages()[0], redis.hget(NAMES.offset("user:1"), "epoch")
    assert isinstance(epoch, bytes)
    payload = '{"event":"news","data":"é"}'.encode()
    found = read_publication(raw)
    assert found == Publication(payload, epoch.decode(), 1, published_ms=found.published_ms)
    assert re.fullmatch(rb"[a-z0-9]{8,}", epoch)


def test_publish_with_an_idempotency_key_publishes_once(
    redis: Redis, subscriber: Subscriber
) -> None:
    assert [publish(1, "news", 1, idempotency_key="order-9") for _ in range(2)] == [1, 0]
    assert publish(1, "news", 1, idempotency_key="order-10") == 1
    assert [offset for _, offset, _ in received(subscriber)] == [1, 2]
    ttl_ms = redis.pttl(NAMES.published("user:1", "order-9"))
    assert 3_500_000 < ttl_ms <= 3_600_000


def test_publish_with_an_idempotency_key_is_retried(monkeypatch: Any) -> None:
    used: list[str] = []
    for name in ("records", "publisher"):
        client = getattr(pools, name)()
        monkeypatch.setattr(pools, name, lambda c=client, n=name: used.append(n) or c)
    publish(1, "news")
    publish(1, "news", idempotency_key="order-9")
    publish_many([1, 2], "news", idempotency_key="order-9")
    assert used == ["publisher", "records", "records"]


def test_publish_many_gives_each_channel_its_own_offsets(
    redis: Redis, subscriber: Subscriber
) -> None:
    publish(1, "news", 0)
    assert publish_many([1, 2], "news", 1) == 1
    assert [offset for _, offset, _ in received(subscriber)] == [1, 2]
    assert kept(redis, "user:2") == [(1, 1)]


@pytest.mark.parametrize("script", ["unknown", "known"])
def test_publish_many_needs_no_script_in_redis(
    redis: Redis, subscriber: Subscriber, script: str
) -> None:
    publish(9, "news")
    if script == "unknown":
        redis.script_flush()
    assert publish_many([1, 2, 3], "news", 1) == 1
    assert received(subscriber) == [("rt:user:1", 1, 1)]
    assert [len(kept(redis, f"user:{pk}")) for pk in (1, 2, 3)] == [1, 1, 1]


def test_publish_many_reports_what_redis_refuses(redis: Redis) -> None:
    redis.set(NAMES.offset("user:2"), "no hash")
    with pytest.raises(Exception, match="WRONGTYPE"):
        publish_many([1, 2], "news")


def test_publish_in_a_transaction_gets_its_offset_at_the_commit(
    redis: Redis, subscriber: Subscriber
) -> None:
    with transaction.atomic():
        assert publish(1, "news", "later") is None
        publish(1, "news", "sooner", on_commit=False)
    assert [(offset, data) for _, offset, data in received(subscriber)] == [
        (1, "sooner"),
        (2, "later"),
    ]


def test_publish_begins_a_new_epoch_after_redis_lost_the_position(redis: Redis) -> None:
    publish_to("room:7", "news", sequenced=True)
    before = position("room:7")
    redis.flushall()
    publish_to("room:7", "news", sequenced=True)
    after = position("room:7")
    assert before is not None
    assert after is not None
    assert (before[1], after[1]) == (1, 1)
    assert before[0] != after[0]


def test_position_begins_a_history_that_publications_continue(
    redis: Redis, subscriber: Subscriber
) -> None:
    before = position("user:1")
    publish(1, "news")
    after = position("user:1")
    assert before is not None
    assert (before[1], after) == (0, (before[0], 1))


def test_position_rejects_a_bad_channel_name() -> None:
    with pytest.raises(ChannelNameError):
        position("{room}")


@async_to_sync
async def published_async() -> list[Any]:
    return [
        await apublish(1, "news", 1),
        await apublish(1, "news", 1, idempotency_key="order-9"),
        await apublish(1, "news", 1, idempotency_key="order-9"),
        await apublish_to("broadcast", "news", 2, sequenced=True),
        await apublish_many([1, 2], "news", 3),
        await abroadcast("news", 4, sequenced=True),
        (await aposition("user:1") or ("", 0))[1],
    ]


def test_async_twins_sequence_as_well(redis: Redis, subscriber: Subscriber) -> None:
    redis.script_flush()
    assert published_async() == [1, 1, 0, 1, 1, 1, 3]
    user = [
        (offset, data) for channel, offset, data in received(subscriber) if channel == "rt:user:1"
    ]
    assert user == [(1, 1), (2, 1), (3, 3)]


def test_async_many_need_no_script_in_redis(redis: Redis) -> None:
    redis.script_flush()
    async_to_sync(apublish_many)([1, 2], "news", 3)
    assert [kept(redis, f"user:{pk}") for pk in (1, 2)] == [[(1, 3)]] * 2
