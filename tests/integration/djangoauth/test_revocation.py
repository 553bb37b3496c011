"""Taking access away by a call."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from redis import Redis, RedisError

from djangoauth import refresh_grants, refresh_users, revoke_channel, revoke_session, revoke_user
from gateway.wire.control import RevokeChannel, RevokeSession, RevokeUser, UserChanged
from gateway.wire.errors import ChannelNameError
from gateway.wire.names import sid_of
from tests.integration.djangoauth.conftest import NAMES, Ear

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
def test_revoke_session_ends_that_one(alice: User, settings: Any, ear: Ear, engine: str) -> None:
    settings.SESSION_ENGINE = f"djangoauth.sessions.{engine}"
    phone, laptop = client_of(alice), client_of(alice)
    key = phone.session.session_key
    ear.control()
    revoke_session(key)
    assert set(ear.control()) == {RevokeSession(sid_of(key))}
    assert (is_logged_in(phone), is_logged_in(laptop)) == (False, True)


@pytest.mark.parametrize("engine", ENGINES)
def test_revoke_user_ends_every_login_of_his(
    alice: User, settings: Any, redis: Redis, ear: Ear, engine: str
) -> None:
    settings.SESSION_ENGINE = f"djangoauth.sessions.{engine}"
    bob = User.objects.create_user("bob")
    phone, laptop, other = client_of(alice), client_of(alice), client_of(bob)
    ear.control()
    revoke_user(alice)
    assert ear.control()[-1] == RevokeUser(str(alice.pk))
    assert not redis.exists(NAMES.user(str(alice.pk)), NAMES.user_sessions(str(alice.pk)))
    assert [is_logged_in(c) for c in (phone, laptop, other)] == [False, False, True]


@pytest.mark.parametrize("engine", ["db", "cached_db"])
def test_revoke_user_ends_logins_that_were_never_mirrored(
    alice: User, settings: Any, redis: Redis, engine: str
) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    phone = client_of(alice)
    redis.flushall()
    settings.SESSION_ENGINE = f"djangoauth.sessions.{engine}"
    revoke_user(alice.pk)
    assert not is_logged_in(phone)


def test_revoke_user_lets_him_log_in_again(alice: User, sockgate: Any) -> None:
    revoke_user(alice)
    assert is_logged_in(client_of(alice))


def test_revoke_user_raises_without_redis(alice: User, no_redis: None) -> None:
    with pytest.raises(RedisError):
        revoke_user(alice)


def test_revoke_channel_says_so(alice: User, ear: Ear) -> None:
    revoke_channel(alice, "room:7")
    assert ear.control() == [RevokeChannel(str(alice.pk), "room:7")]


def test_revoke_channel_refuses_what_is_no_channel(alice: User) -> None:
    with pytest.raises(ChannelNameError):
        revoke_channel(alice, "{room}")


def test_refresh_users_takes_over_a_bulk_update(alice: User, redis: Redis, ear: Ear) -> None:
    client_of(alice)
    ear.control()
    User.objects.filter(username="alice").update(is_active=False)
    refresh_users(User.objects.filter(username="alice"))
    assert ear.control() == [RevokeUser(str(alice.pk))]
    assert not redis.exists(NAMES.user(str(alice.pk)))


def test_refresh_users_takes_over_a_password_set_in_bulk(alice: User, ear: Ear) -> None:
    client_of(alice)
    ear.control()
    User.objects.update(password="!")
    refresh_users([alice])
    assert ear.control() == [UserChanged(str(alice.pk))]


def test_refresh_users_in_a_transaction_waits_for_the_commit(alice: User, redis: Redis) -> None:
    """Until then the database shows others what was before, and a token would heal it so."""
    phone = client_of(alice)
    with transaction.atomic():
        User.objects.update(is_active=False)
        refresh_users(User.objects.all())
        assert redis.exists(NAMES.user(str(alice.pk)))
    assert not redis.exists(NAMES.user(str(alice.pk)))
    assert not is_logged_in(phone)


def test_refresh_users_in_a_transaction_that_fails_changes_nothing(
    alice: User, redis: Redis, ear: Ear
) -> None:
    client_of(alice)
    ear.control()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        User.objects.update(is_active=False)
        refresh_users(User.objects.all())
        raise ZeroDivisionError
    assert ear.control() == []
    assert redis.exists(NAMES.user(str(alice.pk)))


@pytest.mark.parametrize(
    "take", [lambda user: refresh_grants([user]), lambda user: revoke_channel(user, "room:7")]
)
def test_right_taken_in_a_transaction_is_taken_at_once_and_at_the_commit(
    alice: User, ear: Ear, take: Callable[[User], None]
) -> None:
    client_of(alice)
    ear.control()
    with transaction.atomic():
        take(alice)
        (told,) = ear.control()
    assert ear.control() == [told]


def test_refresh_users_takes_pks_of_the_deleted(alice: User, ear: Ear) -> None:
    uid = alice.pk
    User.objects.filter(pk=uid)._raw_delete("default")
    refresh_users([uid])
    assert ear.control() == [RevokeUser(str(uid))]


def test_refresh_users_of_no_change_says_nothing(alice: User, ear: Ear) -> None:
    client_of(alice)
    ear.control()
    refresh_users(User.objects.all())
    assert ear.control() == []
