"""A site with its admin on a real Redis, and a stand-in for a gateway worker."""

import threading
from collections.abc import Iterator
from queue import Queue

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from redis import Redis
from sockgate_gateway.wire.control import CountConnections, read_control
from sockgate_gateway.wire.names import Names

NAMES = Names()
TIMEOUT_S = 10


class Worker:
    """Subscribes to every channel, keeps the publications, and answers counts as a worker."""

    def __init__(self, client: Redis) -> None:
        self.connections = 3
        self._client = client
        self._published: Queue[tuple[str, str]] = Queue()
        self._pubsub = client.pubsub(ignore_subscribe_messages=True)
        self._pubsub.subscribe(NAMES.control)
        self._pubsub.psubscribe(f"{NAMES.channel_prefix}*")
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def next_publication(self) -> tuple[str, str]:
        """Wait for a publication; return its Redis channel and its text."""
        return self._published.get(timeout=TIMEOUT_S)

    def publications(self) -> list[tuple[str, str]]:
        """Return every publication so far."""
        self._client.publish(NAMES.channel("the-end"), "")
        found = iter(self.next_publication, (NAMES.channel("the-end"), ""))
        return list(found)

    def stop(self) -> None:
        self._is_stopping.set()
        self._thread.join()
        self._pubsub.close()

    def _listen(self) -> None:
        while not self._is_stopping.is_set():
            message = self._pubsub.get_message(timeout=0.05)
            if message:
                self._receive(message["channel"].decode(), message["data"])

    def _receive(self, channel: str, data: bytes) -> None:
        if channel != NAMES.control:
            self._published.put((channel, data.decode()))
            return
        request = read_control(data)
        if isinstance(request, CountConnections):
            self._client.rpush(NAMES.reply(request.reply_to), self.connections)


@pytest.fixture
def redis_client(redis_server, settings) -> Iterator[Redis]:
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": redis_server.connection_url}
    with Redis.from_url(redis_server.connection_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def worker(redis_client) -> Iterator[Worker]:
    worker = Worker(redis_client)
    yield worker
    worker.stop()


@pytest.fixture
def sender(transactional_db, redis_client) -> User:
    user = User.objects.create_user("sam", password="sam-demo", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="send_broadcast"))
    return user


@pytest.fixture
def alice(sender) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def browser(sender) -> Client:
    client = Client()
    client.force_login(sender)
    return client
