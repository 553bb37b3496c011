"""Counting connections, with threads in place of workers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis
from redis.client import PubSub
from sockgate import count_connections
from sockgate_gateway.wire.control import CountConnections, read_control
from sockgate_gateway.wire.errors import ChannelNameError

from tests.integration.sockgate.conftest import NAMES

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _project(sockgate: Any) -> None:
    """Every test uses the Redis of the tests."""


@contextmanager
def worker(redis: Redis, connections: int) -> Iterator[None]:
    """A worker that answers one count."""
    with redis.pubsub() as pubsub:
        pubsub.subscribe(NAMES.control)
        pubsub.get_message(timeout=5)
        thread = threading.Thread(target=_answer, args=(redis, pubsub, connections))
        thread.start()
        yield
        thread.join()


def _answer(redis: Redis, pubsub: PubSub, connections: int) -> None:
    message = pubsub.get_message(timeout=5)
    assert message is not None
    question = read_control(message["data"])
    assert isinstance(question, CountConnections)
    redis.rpush(NAMES.reply(question.reply_to), connections)


def test_count_connections_adds_up_the_workers(redis: Redis) -> None:
    with worker(redis, 3), worker(redis, 0), worker(redis, 4):
        assert count_connections("broadcast") == 7


def test_count_connections_is_none_without_workers(redis: Redis) -> None:
    assert count_connections("broadcast") == 0


def test_count_connections_does_not_wait_for_a_silent_worker(redis: Redis) -> None:
    with redis.pubsub() as silent, worker(redis, 3):
        silent.subscribe(NAMES.control)
        silent.get_message(timeout=5)
        assert count_connections("broadcast", deadline_s=0.3) == 3


def test_count_connections_rejects_a_bad_channel_name(redis: Redis) -> None:
    with pytest.raises(ChannelNameError):
        count_connections("{broadcast}")
