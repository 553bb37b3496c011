"""The touch marks that a page carries: none that is newer than what its view has read."""

from time import time
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from redis import Redis
from sockgate import touch
from sockgate.live import marks, request_start
from sockgate_gateway.wire.touches import NEVER, stated_mark

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]
KEY = "sockgate:touched:{rt:orders}"


@pytest.fixture(autouse=True)
def _project(sockgate: Any) -> None:
    """Every test uses the Redis of the tests."""


def began() -> HttpRequest:
    request = RequestFactory().get("/")
    request_start.note_start(environ=request.META)
    return request


def age(redis: Redis, seconds: int) -> None:
    redis.pexpire(KEY, redis.pttl(KEY) - seconds * 1000)


def test_channel_that_was_never_touched_has_a_known_mark() -> None:
    assert marks.read_marks(began(), ["orders"]) == {"orders": stated_mark(NEVER, time())}


def test_mark_is_that_of_the_last_touch_before_the_request(redis: Redis) -> None:
    touch("orders")
    age(redis, 3600)
    request = began()
    assert marks.read_marks(request, ["orders", "other"]) == {
        "orders": int(redis.get(KEY) or 0),
        "other": stated_mark(NEVER, time()),
    }


def test_touch_since_the_request_began_makes_the_mark_unknown() -> None:
    request = began()
    touch("orders")
    assert marks.read_marks(request, ["orders"]) == {}


def test_mark_is_unknown_without_the_start_of_the_request() -> None:
    assert marks.read_marks(RequestFactory().get("/"), ["orders"]) == {}


@pytest.mark.parametrize(("value", "ttl_ms"), [("7", None), ("x", 1000), ("7", 10**11)])
def test_mark_of_somebody_else_is_unknown(redis: Redis, value: str, ttl_ms: int | None) -> None:
    redis.set(KEY, value, px=ttl_ms)
    assert marks.read_marks(began(), ["orders"]) == {}


def test_start_is_noted_with_asgi() -> None:
    request = RequestFactory().get("/")
    request.scope = {}  # type: ignore[attr-defined]
    request_start.note_start(scope=request.scope)  # type: ignore[attr-defined]
    assert marks.read_marks(request, ["orders"]) == {"orders": stated_mark(NEVER, time())}
