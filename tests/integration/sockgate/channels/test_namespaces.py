"""Writing policies to Redis, and notifying the gateways."""

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from redis import Redis
from sockgate.channels import namespaces
from sockgate_gateway.wire.control import NamespacesChanged
from sockgate_gateway.wire.namespaces import Namespaces, Policy, read_namespaces

from tests.integration.sockgate.conftest import NAMES, Subscriber

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

ROOMS = Namespaces({"room": Policy(history=7, public=True)})


@pytest.fixture(autouse=True)
def _project(sockgate: Any) -> None:
    change(sockgate, {"room": {"history": 7, "public": True}})


def change(settings: Any, policies: dict[str, Any]) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "NAMESPACES": policies}


def in_redis(redis: Redis) -> Namespaces | None:
    raw: Any = redis.get(NAMES.namespaces)
    return raw and read_namespaces(raw)


def test_sync_writes_the_policies_and_notifies(redis: Redis, subscriber: Subscriber) -> None:
    assert namespaces.sync()
    assert in_redis(redis) == ROOMS
    assert subscriber.control() == [NamespacesChanged()]


def test_sync_without_a_change_sends_no_control_message(subscriber: Subscriber) -> None:
    namespaces.sync()
    subscriber.control()
    assert not namespaces.sync()
    assert subscriber.control() == []


def test_sync_without_namespaces_leaves_no_table(
    redis: Redis, subscriber: Subscriber, settings: Any
) -> None:
    change(settings, {})
    assert not namespaces.sync()
    assert in_redis(redis) is None


def test_sync_removes_namespaces(redis: Redis, settings: Any) -> None:
    namespaces.sync()
    change(settings, {})
    assert namespaces.sync()
    assert in_redis(redis) == Namespaces()


def test_command_writes_namespaces(redis: Redis) -> None:
    output = StringIO()
    for _ in range(2):
        call_command("sockgate_sync", stdout=output)
    assert output.getvalue() == "Namespaces written.\nNamespaces are up to date.\n"
    assert in_redis(redis) == ROOMS


def test_command_reports_that_redis_is_down(no_redis: None) -> None:
    with pytest.raises(CommandError, match="Redis does not answer"):
        call_command("sockgate_sync")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(namespaces, "monotonic", lambda: now[0])
    return now


def test_token_view_writes_namespaces_periodically(
    redis: Redis, client: Client, clock: list[float], alice: User
) -> None:
    client.force_login(alice)
    seen = []
    for now in (1000.0, 1000.0 + namespaces.SYNC_AGE_S - 1, 1000.0 + namespaces.SYNC_AGE_S):
        clock[0] = now
        assert client.post("/realtime/token/").status_code == 200
        seen.append(in_redis(redis) is not None)
        redis.delete(NAMES.namespaces)
    assert seen == [True, False, True]


def test_token_view_follows_a_change_of_settings(
    redis: Redis, client: Client, clock: list[float], alice: User, settings: Any
) -> None:
    client.force_login(alice)
    client.post("/realtime/token/")
    change(settings, {"news": {}})
    client.post("/realtime/token/")
    assert in_redis(redis) == Namespaces({"news": Policy()})
