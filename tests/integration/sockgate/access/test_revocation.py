"""Revoking access by a call."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from redis import Redis, RedisError
from sockgate import refresh_grants, refresh_users, revoke_channel, revoke_session, revoke_user
from sockgate_gateway.wire.control import RevokeChannel, RevokeSession, RevokeUser, UserChanged
from sockgate_gateway.wire.errors import ChannelNameError
from sockgate_gateway.wire.names import sid_of

from tests.integration.sockgate.conftest import NAMES, Subscriber

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

ENGINES = ("redis", "db", "cached_db")


@pytest.fixture
def alice(sockgate: Any, transactional_db: None) -> User:
    return User.objects.create_user("alice", password="alice-demo")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def is_logged_in(client: Client) -> bool:
    return client.post("/realtime/token/").status_code == 200


@pytest.mark.parametrize("engine", ENGINES)
def test_revoke_session_ends_only_that_session(
    alice: User, settings: Any, subscriber: Subscriber, engine: str
) -> None:
    settings.SESSION_ENGINE = f"sockgate.sessions.{engine}"
    phone, laptop = client_of(alice), client_of(alice)
    key = phone.session.session_key
    subscriber.control()
    revoke_session(key)
    assert set(subscriber.control()) == {RevokeSession(sid_of(key))}
    assert (is_logged_in(phone), is_logged_in(laptop)) == (False, True)


@pytest.mark.parametrize("engine", ENGINES)
def test_revoke_user_ends_every_login_of_the_user(
    alice: User, settings: Any, redis: Redis, subscriber: Subscriber, engine: str
) -> None:
    settings.SESSION_ENGINE = f"sockgate.sessions.{engine}"
    bob = User.objects.create_user("bob")
    phone, laptop, other = client_of(alice), client_of(alice), client_of(bob)
    subscriber.control()
    revoke_user(alice)
    assert subscriber.control()[-1] == RevokeUser(str(alice.pk))
    assert not redis.exists(NAMES.user(str(alice.pk)), NAMES.user_sessions(str(alice.pk)))
    assert [is_logged_in(c) for c in (phone, laptop, other)] == [False, False, True]


@pytest.mark.parametrize("engine", ["db", "cached_db"])
def test_revoke_user_ends_logins_that_were_never_mirrored(
    alice: User, settings: Any, redis: Redis, engine: str
) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    phone = client_of(alice)
    redis.flushall()
    settings.SESSION_ENGINE = f"sockgate.sessions.{engine}"
    revoke_user(alice.pk)
    assert not is_logged_in(phone)


def test_revoke_user_allows_a_new_login(alice: User, sockgate: Any) -> None:
    revoke_user(alice)
    assert is_logged_in(client_of(alice))


def test_revoke_user_raises_without_redis(alice: User, no_redis: None) -> None:
    with pytest.raises(RedisError):
        revoke_user(alice)


def test_revoke_channel_notifies_the_gateways(alice: User, subscriber: Subscriber) -> None:
    revoke_channel(alice, "room:7")
    assert subscriber.control() == [RevokeChannel(str(alice.pk), "room:7")]


def test_revoke_channel_rejects_a_bad_channel_name(alice: User) -> None:
    with pytest.raises(ChannelNameError):
        revoke_channel(alice, "{room}")


def test_refresh_users_follows_a_bulk_update(
    alice: User, redis: Redis, subscriber: Subscriber
) -> None:
    client_of(alice)
    subscriber.control()
    User.objects.filter(username="alice").update(is_active=False)
    refresh_users(User.objects.filter(username="alice"))
    assert subscriber.control() == [RevokeUser(str(alice.pk))]
    assert not redis.exists(NAMES.user(str(alice.pk)))


def test_refresh_users_follows_a_password_set_in_bulk(alice: User, subscriber: Subscriber) -> None:
    client_of(alice)
    subscriber.control()
    User.objects.update(password="!")
    refresh_users([alice])
    assert subscriber.control() == [UserChanged(str(alice.pk))]


def test_refresh_users_in_a_transaction_waits_for_the_commit(alice: User, redis: Redis) -> None:
    """Until the commit other connections read the old rows, and a token would restore those."""
    phone = client_of(alice)
    with transaction.atomic():
        User.objects.update(is_active=False)
        refresh_users(User.objects.all())
        assert redis.exists(NAMES.user(str(alice.pk)))
    assert not redis.exists(NAMES.user(str(alice.pk)))
    assert not is_logged_in(phone)


def test_refresh_users_in_a_failed_transaction_has_no_effect(
    alice: User, redis: Redis, subscriber: Subscriber
) -> None:
    client_of(alice)
    subscriber.control()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        User.objects.update(is_active=False)
        refresh_users(User.objects.all())
        raise ZeroDivisionError
    assert subscriber.control() == []
    assert redis.exists(NAMES.user(str(alice.pk)))


@pytest.mark.parametrize(
    "take", [lambda user: refresh_grants([user]), lambda user: revoke_channel(user, "room:7")]
)
def test_right_removed_in_a_transaction_ends_grants_at_once_and_at_the_commit(
    alice: User, subscriber: Subscriber, take: Callable[[User], None]
) -> None:
    client_of(alice)
    subscriber.control()
    with transaction.atomic():
        take(alice)
        (message,) = subscriber.control()
    assert subscriber.control() == [message]


def test_refresh_users_accepts_pks_of_deleted_users(alice: User, subscriber: Subscriber) -> None:
    uid = alice.pk
    User.objects.filter(pk=uid)._raw_delete("default")
    refresh_users([uid])
    assert subscriber.control() == [RevokeUser(str(uid))]


def test_refresh_users_without_a_change_sends_no_control_message(
    alice: User, subscriber: Subscriber
) -> None:
    client_of(alice)
    subscriber.control()
    refresh_users(User.objects.all())
    assert subscriber.control() == []
