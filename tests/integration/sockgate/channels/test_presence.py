"""Presence, as workers write it to Redis."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, User
from redis import Redis
from sockgate import ais_online, aonline_users, is_online, online_users
from sockgate.channels.presence import apresence, presence
from sockgate.errors import PublicationInvalid
from sockgate_gateway.wire.errors import ChannelNameError
from sockgate_gateway.wire.presence import Present

from tests.integration.sockgate.conftest import NAMES

pytestmark = pytest.mark.integration

presences = pytest.mark.parametrize("ask", [presence, async_to_sync(apresence)])
Ask = Callable[[str], Present]


@pytest.fixture(autouse=True)
def _project(sockgate: Any) -> None:
    """Every test uses the Redis of the tests."""


@pytest.fixture
def count(redis: Redis) -> Callable[..., None]:
    """Write as a worker does: ``count("w1", "broadcast", {"7": 2})``."""

    def count(worker: str, channel: str, users: dict[str, int]) -> None:
        redis.sadd(NAMES.workers, worker)
        redis.set(NAMES.worker(worker), 1)
        redis.hset(NAMES.presence(channel, worker), mapping=users)

    return count


@presences
def test_presence_without_connections(redis: Redis, ask: Ask) -> None:
    assert ask("room:7") == Present({}, 0)


@presences
def test_presence_adds_the_workers_up(count: Any, ask: Ask) -> None:
    count("w1", "room:7", {"7": 2, "8": 1, "": 3})
    count("w2", "room:7", {"7": 1, "": 1})
    count("w2", "room:8", {"9": 1})
    assert ask("room:7") == Present({"7": 3, "8": 1}, 4)


@presences
def test_presence_ignores_a_dead_worker(redis: Redis, count: Any, ask: Ask) -> None:
    for worker in ("w1", "w2"):
        count(worker, "room:7", {"7": 1})
    redis.delete(NAMES.worker("w1"))
    assert ask("room:7") == Present({"7": 1}, 0)


@presences
def test_presence_rejects_a_bad_channel_name(ask: Ask) -> None:
    with pytest.raises(ChannelNameError):
        ask("{room}")


@pytest.mark.parametrize("ask", [online_users, async_to_sync(aonline_users)])
def test_online_users_have_any_page_open(count: Any, ask: Any) -> None:
    count("w1", "broadcast", {"7": 1, "": 5})
    count("w2", "broadcast", {"8": 1})
    count("w2", "room:7", {"9": 1})
    assert ask() == {"7", "8"}


@pytest.mark.parametrize("ask", [is_online, async_to_sync(ais_online)])
def test_user_is_online_on_any_live_worker(redis: Redis, count: Any, ask: Any) -> None:
    count("w1", "broadcast", {"7": 1})
    count("w2", "broadcast", {"8": 1})
    assert (ask(7), ask(User(pk=8)), ask(9)) == (True, True, False)
    redis.delete(NAMES.worker("w2"))
    assert not ask(8)


@pytest.mark.parametrize("ask", [is_online, async_to_sync(ais_online)])
def test_anonymous_visitor_is_rejected(ask: Any) -> None:
    with pytest.raises(PublicationInvalid):
        ask(AnonymousUser())
