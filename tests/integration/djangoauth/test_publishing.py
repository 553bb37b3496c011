"""What arrives in Redis of what Django publishes."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import transaction
from redis import ConnectionError as RedisConnectionError
from redis import Redis

from djangoauth import (
    abroadcast,
    apublish,
    apublish_many,
    apublish_to,
    broadcast,
    publish,
    publish_many,
    publish_to,
)
from djangoauth.errors import PublicationInvalid
from gateway.wire.errors import ChannelNameError
from tests.integration.djangoauth.conftest import Ear

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

NEWS = ("rt:user:1", {"event": "news", "data": {"title": "Djangocon 2012"}})
TITLE = {"title": "Djangocon 2012"}


@pytest.fixture(autouse=True)
def _project(sockgate: Any) -> None:
    """Every test publishes to a Redis of its own."""


def heard(ear: Ear) -> list[tuple[str, Any]]:
    return [(channel, json.loads(payload)) for channel, payload in ear.messages()]


def test_publish_reaches_the_users_channel(ear: Ear) -> None:
    assert publish(1, "news", TITLE) == 1
    assert heard(ear) == [NEWS]


def test_publish_takes_a_user(ear: Ear) -> None:
    publish(User(pk=1), "news", TITLE)
    assert heard(ear) == [NEWS]


def test_publish_counts_no_worker_when_nobody_listens(redis: Redis) -> None:
    assert publish(99, "news") == 0


def test_publish_to_reaches_any_channel(ear: Ear) -> None:
    publish_to("broadcast", "news", TITLE)
    assert heard(ear) == [("rt:broadcast", NEWS[1])]


def test_publish_to_refuses_what_is_no_channel() -> None:
    with pytest.raises(ChannelNameError):
        publish_to("{room}", "news")


def test_publish_many_reaches_each(ear: Ear) -> None:
    assert publish_many([1, User(pk=2)], "news", TITLE) == 1
    assert heard(ear) == [NEWS]


def test_publish_many_to_nobody_is_no_matter(ear: Ear) -> None:
    assert publish_many([], "news") == 0
    assert heard(ear) == []


def test_broadcast_reaches_everyone(ear: Ear) -> None:
    assert broadcast("news", TITLE) == 1
    assert heard(ear) == [("rt:broadcast", NEWS[1])]


def test_publish_in_a_transaction_waits_for_the_commit(ear: Ear) -> None:
    with transaction.atomic():
        assert publish(1, "news", TITLE) is None
        assert heard(ear) == []
    assert heard(ear) == [NEWS]


def test_publish_in_a_transaction_that_fails_is_not_sent(ear: Ear) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        publish(1, "news", TITLE)
        raise ZeroDivisionError
    assert heard(ear) == []


def test_publish_in_a_transaction_is_sent_as_it_was(ear: Ear) -> None:
    data = dict(TITLE)
    with transaction.atomic():
        publish(1, "news", data)
        data["title"] = "changed"
    assert heard(ear) == [NEWS]


def test_publish_in_a_transaction_refuses_bad_data_at_once() -> None:
    with pytest.raises(PublicationInvalid), transaction.atomic():
        publish(1, "news", object())


def test_publish_at_once_does_not_wait_for_the_commit(ear: Ear) -> None:
    with transaction.atomic():
        assert publish(1, "news", TITLE, on_commit=False) == 1
        assert heard(ear) == [NEWS]


def test_publish_at_once_by_setting(ear: Ear, settings: Any) -> None:
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
    assert "ConnectionError" in caplog.text
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


def test_async_twins_reach_the_same_channels(ear: Ear) -> None:
    assert published_async() == [1, 1, 1, 1]
    channels = [channel for channel, _ in heard(ear)]
    assert channels == ["rt:user:1", "rt:broadcast", "rt:user:1", "rt:broadcast"]


def test_async_twins_work_in_one_loop_after_another(ear: Ear) -> None:
    assert published_async() == published_async()
