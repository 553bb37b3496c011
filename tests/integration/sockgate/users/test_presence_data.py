"""``PRESENCE_DATA``: what Django says about a user, in the user record."""

import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from redis import Redis
from sockgate import refresh_users
from sockgate_gateway.wire.control import UserDataChanged
from sockgate_gateway.wire.limits import MAX_DATA_BYTES
from sockgate_gateway.wire.presence import USER_DATA

from tests.integration.sockgate.conftest import NAMES, Subscriber

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

calls: list[str] = []


def card(user: User) -> dict[str, Any]:
    """Return another value at each call, as a signed URL is."""
    calls.append(user.username)
    return {"name": user.first_name or user.username, "call": len(calls)}


def nobody(user: User) -> None:
    """Say nothing."""


def broken(user: User) -> dict[str, Any]:
    """Fail."""
    raise LookupError("no profile")


def large(user: User) -> dict[str, Any]:
    """Return too much."""
    return {"x": "y" * MAX_DATA_BYTES}


def odd(user: User) -> Any:
    """Return no dict."""
    return [user.username]


def unwritable(user: User) -> dict[str, Any]:
    """Return what JSON does not have."""
    return {"x": float("nan")}


def half(user: User) -> dict[str, Any]:
    """Return half of a surrogate pair."""
    return {"x": "\ud800"}


@pytest.fixture
def client(alice: User, sockgate: Any) -> Client:
    calls.clear()
    return Client()


def use(settings: Any, call: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "PRESENCE_DATA": call}


def stored(redis: Redis, user: User) -> bytes | None:
    return redis.hget(NAMES.user(str(user.pk)), USER_DATA)


def test_login_writes_the_data(client: Client, alice: User, sockgate: Any, redis: Redis) -> None:
    use(sockgate, f"{__name__}.card")
    client.force_login(alice)
    assert (stored(redis, alice) or b"").startswith(b'{"name":"alice","call":')


def test_changed_data_is_announced_and_read_again(
    client: Client, alice: User, sockgate: Any, redis: Redis, subscriber: Subscriber
) -> None:
    use(sockgate, card)
    client.force_login(alice)
    subscriber.messages()
    alice.first_name = "Alice L."
    alice.save()
    assert b"Alice L." in (stored(redis, alice) or b"")
    assert UserDataChanged(str(alice.pk)) in subscriber.control()
    refresh_users([alice])
    assert UserDataChanged(str(alice.pk)) in subscriber.control()


def test_data_that_is_another_one_at_each_call_is_written_once(
    client: Client, alice: User, sockgate: Any
) -> None:
    use(sockgate, card)
    client.force_login(alice)
    calls.clear()
    alice.save()
    assert len(calls) == 2  # Written, and compared with the database once more.


@pytest.mark.parametrize("call", [broken, large, odd, unwritable, half])
def test_bad_data_is_logged_and_prevents_no_login(
    client: Client, alice: User, sockgate: Any, redis: Redis, call: Any, caplog: Any
) -> None:
    use(sockgate, call)
    with caplog.at_level(logging.ERROR, "sockgate"):
        client.force_login(alice)
    assert stored(redis, alice) == b"null"
    assert "PRESENCE_DATA" in caplog.text
    assert redis.hget(NAMES.user(str(alice.pk)), "auth")


def test_login_from_before_the_setting_gets_data_with_its_next_token(
    client: Client, alice: User, sockgate: Any, redis: Redis
) -> None:
    client.force_login(alice)
    assert not stored(redis, alice)
    use(sockgate, nobody)
    assert client.post("/realtime/token/").status_code == 200
    assert stored(redis, alice) == b"null"
    use(sockgate, card)
    refresh_users([alice])
    assert b"alice" in (stored(redis, alice) or b"")
    use(sockgate, None)
    refresh_users([alice])
    assert stored(redis, alice) == b""


def test_check_names_a_callable_that_does_not_exist(sockgate: Any) -> None:
    from sockgate.checks.settings import check_presence_data

    assert [*check_presence_data()] == []
    use(sockgate, "nowhere.card")
    (found,) = check_presence_data()
    assert found.id == "sockgate.E011"
