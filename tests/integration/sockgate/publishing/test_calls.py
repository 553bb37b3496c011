"""The messages in Redis that Django's publishing calls send."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import transaction
from redis import ConnectionError as RedisConnectionError
from redis import Redis
from sockgate import (
    abroadcast,
    apublish,
    apublish_many,
    apublish_to,
    broadcast,
    publish,
    publish_many,
    publish_to,
    publish_to_group,
)
from sockgate.errors import PublicationInvalid
from sockgate.publishing.outbox import OUTBOX
from sockgate_gateway.wire.errors import ChannelNameError

from tests.integration.sockgate.conftest import Subscriber

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

NEWS = ("rt:user:1", {"event": "news", "data": {"title": "Djangocon 2012"}})
TITLE = {"title": "Djangocon 2012"}


@pytest.fixture(autouse=True)
def _project(sockgate: Any) -> None:
    """Every test publishes to the Redis of the tests."""


def received(subscriber: Subscriber) -> list[tuple[str, Any]]:
    return [(channel, json.loads(payload)) for channel, payload in subscriber.messages()]


def test_publish_reaches_the_users_channel(subscriber: Subscriber) -> None:
    assert publish(1, "news", TITLE) == 1
    assert received(subscriber) == [NEWS]


def test_publish_accepts_a_user(subscriber: Subscriber) -> None:
    publish(User(pk=1), "news", TITLE)
    assert received(subscriber) == [NEWS]


def test_publish_returns_0_without_subscribers(redis: Redis) -> None:
    assert publish(99, "news") == 0


def test_publish_to_reaches_any_channel(subscriber: Subscriber) -> None:
    publish_to("broadcast", "news", TITLE)
    assert received(subscriber) == [("rt:broadcast", NEWS[1])]


def test_publish_to_rejects_a_bad_channel_name() -> None:
    with pytest.raises(ChannelNameError):
        publish_to("{room}", "news")


@pytest.mark.parametrize("group", ["the editors", Group(name="the editors")])
def test_publish_to_group_encodes_its_name(redis: Redis, group: Any) -> None:
    with redis.pubsub() as pubsub:
        pubsub.subscribe("rt:group:the%20editors")
        assert pubsub.get_message(timeout=5)
        assert publish_to_group(group, "news") == 1


def test_misuse_raises_without_publishing(subscriber: Subscriber) -> None:
    for user in (User.objects.all(), "admin", User(), AnonymousUser()):
        with pytest.raises(PublicationInvalid):
            publish(user, "news")  # type: ignore[arg-type]
    assert received(subscriber) == []


def test_publish_many_reaches_each(subscriber: Subscriber) -> None:
    assert publish_many([1, User(pk=2)], "news", TITLE) == 1
    assert received(subscriber) == [NEWS]


def test_publish_many_without_users_sends_no_command(subscriber: Subscriber) -> None:
    assert publish_many([], "news") == 0
    assert received(subscriber) == []


def test_broadcast_reaches_everyone(subscriber: Subscriber) -> None:
    assert broadcast("news", TITLE) == 1
    assert received(subscriber) == [("rt:broadcast", NEWS[1])]


def test_publish_in_a_transaction_waits_for_the_commit(subscriber: Subscriber) -> None:
    with transaction.atomic():
        assert publish(1, "news", TITLE) is None
        assert received(subscriber) == []
    assert received(subscriber) == [NEWS]


def test_publish_in_a_transaction_that_fails_is_not_sent(subscriber: Subscriber) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        publish(1, "news", TITLE)
        raise ZeroDivisionError
    assert received(subscriber) == []


def test_publish_in_a_transaction_is_sent_as_it_was(subscriber: Subscriber) -> None:
    data = dict(TITLE)
    with transaction.atomic():
        publish(1, "news", data)
        data["title"] = "changed"
    assert received(subscriber) == [NEWS]


def test_publish_in_a_transaction_refuses_bad_data_at_once() -> None:
    with pytest.raises(PublicationInvalid), transaction.atomic():
        publish(1, "news", object())


def test_publish_at_once_does_not_wait_for_the_commit(subscriber: Subscriber) -> None:
    with transaction.atomic():
        assert publish(1, "news", TITLE, on_commit=False) == 1
        assert received(subscriber) == [NEWS]


def test_publish_at_once_by_setting(subscriber: Subscriber, settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "PUBLISH_ON_COMMIT": False}
    with transaction.atomic():
        assert publish(1, "news", TITLE) == 1
        assert publish(1, "news", TITLE, on_commit=True) is None


def test_publish_raises_without_redis(no_redis: None) -> None:
    with pytest.raises(RedisConnectionError):
        publish(1, "news")


def test_publish_on_commit_logs_without_redis(no_redis: None, caplog: Any) -> None:
    later: list[str] = []
    with transaction.atomic():
        publish(1, "news", "a secret")
        transaction.on_commit(lambda: later.append("ran"))
    assert later == ["ran"]
    assert "Publications wait for Redis" in caplog.text
    assert len(OUTBOX) == 1
    assert "a secret" not in caplog.text


def test_prefixes_are_settings(redis: Redis, settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "CHANNEL_PREFIX": "my-"}
    with redis.pubsub() as pubsub:
        pubsub.subscribe("my-user:1")
        assert pubsub.get_message(timeout=5)
        assert publish(1, "news") == 1


@async_to_sync
async def published_async() -> list[int]:
    return [
        await apublish(1, "news", TITLE),
        await apublish_to("broadcast", "news"),
        await apublish_many([1, 2], "news", TITLE),
        await abroadcast("news"),
    ]


def test_async_twins_reach_the_same_channels(subscriber: Subscriber) -> None:
    assert published_async() == [1, 1, 1, 1]
    channels = [channel for channel, _ in received(subscriber)]
    assert channels == ["rt:user:1", "rt:broadcast", "rt:user:1", "rt:broadcast"]


def test_async_twins_work_in_one_loop_after_another(subscriber: Subscriber) -> None:
    assert published_async() == published_async()
