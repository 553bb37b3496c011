"""Changes of users and groups in Django: user records and control messages."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.test import Client, RequestFactory
from redis import Redis, RedisError
from sockgate.users import records
from sockgate_gateway.wire.control import RevokeUser, SessionMoved, UserChanged
from sockgate_gateway.wire.names import auth_digest, sid_of
from sockgate_gateway.wire.records import (
    SESSION_FIELDS,
    USER_FIELDS,
    UserRecord,
    is_valid_login,
    read_session,
    read_user,
)

from tests.integration.sockgate.conftest import NAMES, Subscriber

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def alice(sockgate: Any, transactional_db: None) -> User:
    return User.objects.create_user("alice", password="alice-demo")


@pytest.fixture
def login(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


def user_record(redis: Redis, user_pk: object) -> UserRecord | None:
    values = redis.hmget(NAMES.user(str(user_pk)), USER_FIELDS)
    return read_user(dict(zip(USER_FIELDS, values, strict=True)))


def channels(redis: Redis, user: User) -> tuple[str, ...]:
    record = user_record(redis, user.pk)
    assert record is not None
    return record.channels


def is_login_valid(redis: Redis, client: Client, user: User) -> bool:
    """Check a login as the gateway does."""
    values = redis.hmget(NAMES.session(sid_of(client.session.session_key)), SESSION_FIELDS)
    session = read_session(dict(zip(SESSION_FIELDS, values, strict=True)))
    return is_valid_login(session, user_record(redis, user.pk))


def test_login_records_the_user(login: Client, alice: User, redis: Redis) -> None:
    digest = auth_digest(alice.get_session_auth_hash())
    record = user_record(redis, alice.pk)
    assert record is not None
    assert record == UserRecord(digest, rights=record.rights)
    assert record.rights
    assert is_login_valid(redis, login, alice)


def test_login_gives_the_record_the_expiry_of_the_session(
    login: Client, alice: User, redis: Redis
) -> None:
    key = NAMES.session(sid_of(login.session.session_key))
    assert redis.ttl(NAMES.user(str(alice.pk))) >= redis.ttl(key) > 0


def test_login_succeeds_without_redis(
    alice: User, no_redis: None, settings: Any, caplog: Any
) -> None:
    settings.SESSION_ENGINE = "sockgate.sessions.db"
    Client().force_login(alice)
    assert "not recorded" in caplog.text


def test_login_in_a_transaction_is_recorded_at_the_commit(
    alice: User, client: Client, redis: Redis
) -> None:
    with transaction.atomic():
        client.force_login(alice)
        alice.groups.add(Group.objects.create(name="editors"))
    assert channels(redis, alice) == ("group:editors",)


def test_login_records_no_right_that_is_rolled_back(
    alice: User, client: Client, redis: Redis
) -> None:
    """As in a view under ``ATOMIC_REQUESTS`` that fails in the end; another page is open."""
    client.force_login(alice)
    redis.delete(NAMES.user(str(alice.pk)))
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        alice.groups.add(Group.objects.create(name="editors"))
        Client().force_login(alice)
        raise ZeroDivisionError
    client.session.ensure_recorded()
    assert channels(redis, alice) == ()


def test_login_without_a_session_is_ignored(alice: User, redis: Redis) -> None:
    user_logged_in.send(sender=User, request=RequestFactory().get("/"), user=alice)
    assert user_record(redis, alice.pk) is None


def test_login_of_an_anonymous_visitor_moves_and_then_changes_the_session(
    alice: User, client: Client, redis: Redis, subscriber: Subscriber
) -> None:
    visitor = client.session
    visitor["cat"] = "dog"
    visitor.save()
    old_sid = sid_of(visitor.session_key)
    client.cookies["sessionid"] = visitor.session_key
    client.force_login(alice)
    new_sid = sid_of(client.session.session_key)
    assert client.session["cat"] == "dog"
    assert subscriber.control() == [SessionMoved(old_sid, new_sid), SessionMoved(new_sid, new_sid)]
    assert is_login_valid(redis, client, alice)


def test_logout_leaves_no_record_of_the_session(login: Client, redis: Redis, alice: User) -> None:
    sid = sid_of(login.session.session_key)
    login.logout()
    assert not redis.exists(NAMES.session(sid), NAMES.user_sessions(str(alice.pk)))


def test_new_password_ends_the_login(
    login: Client, alice: User, redis: Redis, subscriber: Subscriber
) -> None:
    alice.set_password("another")
    alice.save()
    assert not is_login_valid(redis, login, alice)
    assert subscriber.control() == [UserChanged(str(alice.pk))]


def test_own_new_password_keeps_the_login(
    login: Client, alice: User, redis: Redis, subscriber: Subscriber
) -> None:
    request = RequestFactory().get("/")
    request.session, request.user = login.session, alice
    old_sid = sid_of(request.session.session_key)
    alice.set_password("another")
    alice.save()
    update_session_auth_hash(request, alice)
    request.session.save()
    login.cookies["sessionid"] = request.session.session_key
    new_sid = sid_of(request.session.session_key)
    assert is_login_valid(redis, login, alice)
    assert subscriber.control() == [
        UserChanged(str(alice.pk)),
        SessionMoved(old_sid, new_sid),
        SessionMoved(new_sid, new_sid),
    ]


def test_unsaved_password_keeps_the_login(
    login: Client, alice: User, redis: Redis, subscriber: Subscriber
) -> None:
    alice.set_password("another")
    alice.email = "alice@example.com"
    alice.save(update_fields=["email"])
    assert is_login_valid(redis, login, alice)
    assert subscriber.control() == []


def test_rolled_back_password_keeps_the_login(
    login: Client, alice: User, redis: Redis, subscriber: Subscriber
) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        alice.set_password("another")
        alice.save()
        raise ZeroDivisionError
    assert is_login_valid(redis, login, alice)
    assert subscriber.control() == []


def test_new_password_without_redis_raises(login: Client, no_redis: None) -> None:
    alice = User.objects.get()
    alice.set_password("another")
    with pytest.raises(RedisError):
        alice.save()


def test_save_of_a_user_without_record_writes_none(alice: User, redis: Redis) -> None:
    alice.set_password("another")
    alice.save()
    assert redis.keys() == []


def test_save_of_last_login_does_not_use_redis(login: Client, no_redis: None) -> None:
    alice = User.objects.get()
    alice.save(update_fields=["last_login"])
    assert alice.pk


def test_new_user_does_not_use_redis(no_redis: None) -> None:
    assert User.objects.create_user("bob").pk


def test_deactivation_ends_the_login(
    login: Client, alice: User, redis: Redis, subscriber: Subscriber
) -> None:
    alice.is_active = False
    alice.save()
    assert not is_login_valid(redis, login, alice)
    assert subscriber.control() == [RevokeUser(str(alice.pk))]


def test_deletion_ends_the_login(
    login: Client, alice: User, redis: Redis, subscriber: Subscriber
) -> None:
    uid = str(alice.pk)
    alice.delete()
    assert user_record(redis, uid) is None
    assert subscriber.control() == [RevokeUser(uid)]


def test_deletion_by_queryset_ends_the_login(
    login: Client, redis: Redis, subscriber: Subscriber
) -> None:
    alice = User.objects.get()
    User.objects.all().delete()
    assert subscriber.control() == [RevokeUser(str(alice.pk))]


def test_login_under_an_older_secret_key_stays_valid(
    login: Client, alice: User, redis: Redis, settings: Any
) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "newer", [settings.SECRET_KEY]
    phone = Client()
    phone.force_login(alice)
    assert is_login_valid(redis, phone, alice)
    assert is_login_valid(redis, login, alice)


def test_login_upgraded_to_a_newer_secret_key_stays_valid(
    login: Client, alice: User, redis: Redis, settings: Any
) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "newer", [settings.SECRET_KEY]
    old_key = login.session.session_key
    login.post("/realtime/token/")
    assert login.session.session_key != old_key
    assert is_login_valid(redis, login, alice)


def test_added_group_adds_its_channel(
    login: Client, alice: User, redis: Redis, subscriber: Subscriber
) -> None:
    alice.groups.add(Group.objects.create(name="editors"), Group.objects.create(name="Ä b"))
    assert channels(redis, alice) == ("group:editors", "group:%C3%84%20b")
    assert subscriber.control() == [UserChanged(str(alice.pk))]


def test_removed_group_removes_its_channel(login: Client, alice: User, redis: Redis) -> None:
    editors = Group.objects.create(name="editors")
    alice.groups.add(editors)
    alice.groups.remove(editors)
    assert channels(redis, alice) == ()


@pytest.fixture
def editors(login: Client, alice: User, redis: Redis) -> Group:
    """A group that alice is in, and a login of hers."""
    group = Group.objects.create(name="editors")
    group.user_set.add(alice)
    assert channels(redis, alice) == ("group:editors",)
    return group


def test_cleared_groups_remove_their_channels(editors: Group, alice: User, redis: Redis) -> None:
    alice.groups.clear()
    assert channels(redis, alice) == ()


def test_emptied_group_removes_its_channel(editors: Group, alice: User, redis: Redis) -> None:
    editors.user_set.clear()
    assert channels(redis, alice) == ()


def test_removed_group_member_loses_its_channel(editors: Group, alice: User, redis: Redis) -> None:
    editors.user_set.remove(alice)
    assert channels(redis, alice) == ()


def test_deleted_group_removes_its_channel(
    editors: Group, alice: User, redis: Redis, subscriber: Subscriber
) -> None:
    editors.delete()
    assert channels(redis, alice) == ()
    assert subscriber.control() == [UserChanged(str(alice.pk))]


def test_group_renamed_changes_the_channel(editors: Group, alice: User, redis: Redis) -> None:
    editors.name = "authors"
    editors.save()
    assert channels(redis, alice) == ("group:authors",)


def test_group_saved_without_a_change_sends_no_control_message(
    editors: Group, subscriber: Subscriber
) -> None:
    editors.save()
    assert subscriber.control() == []


def test_groups_have_no_channels_when_turned_off(
    alice: User, redis: Redis, client: Client, settings: Any
) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "GROUPS": False}
    alice.groups.add(Group.objects.create(name="editors"))
    client.force_login(alice)
    assert channels(redis, alice) == ()


def test_group_with_a_name_too_long_for_a_channel_is_left_out(
    login: Client, alice: User, redis: Redis, caplog: Any
) -> None:
    alice.groups.add(Group.objects.create(name="ü" * 150), Group.objects.create(name="b"))
    assert channels(redis, alice) == ("group:b",)
    assert "too long" in caplog.text


def test_login_of_an_outdated_instance_does_not_restore_an_old_password(
    alice: User, redis: Redis
) -> None:
    """The user is authenticated before the change of the password, and logged in after it."""
    late = User.objects.get(pk=alice.pk)
    alice.set_password("another")
    alice.save()
    Client().force_login(late)
    expected = auth_digest(alice.get_session_auth_hash()).encode()
    assert redis.hget(NAMES.user(str(alice.pk)), "auth") == expected


def test_login_while_the_password_changes_ends_with_the_new_one(
    alice: User, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change is saved and sent between the read and the write of the login."""
    change_password_once_it_was_read(alice, monkeypatch)
    Client().force_login(alice)
    assert_auth_is_the_new_one(alice, redis)


def test_change_of_groups_during_a_password_change_restores_no_old_password(
    login: Client, alice: User, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both changes are saved; the first reader writes last."""
    change_password_once_it_was_read(alice, monkeypatch)
    alice.groups.add(Group.objects.create(name="editors"))
    assert_auth_is_the_new_one(alice, redis)
    assert channels(redis, alice) == ("group:editors",)
    assert not is_login_valid(redis, login, alice)


def test_change_of_groups_during_deactivation_restores_no_login(
    login: Client, alice: User, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deactivate() -> None:
        alice.is_active = False
        alice.save()

    once_it_was_read(deactivate, monkeypatch)
    alice.groups.add(Group.objects.create(name="editors"))
    assert user_record(redis, alice.pk) is None


def change_password_once_it_was_read(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def change() -> None:
        alice.set_password("another")
        alice.save()

    once_it_was_read(change, monkeypatch)


def once_it_was_read(change: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run an action between the next read of users and the write that follows."""
    read = records._read_current

    def read_early(*asked: Any) -> Any:
        monkeypatch.setattr(records, "_read_current", read)
        found = read(*asked)
        change()
        return found

    monkeypatch.setattr(records, "_read_current", read_early)


def assert_auth_is_the_new_one(alice: User, redis: Redis) -> None:
    expected = auth_digest(alice.get_session_auth_hash()).encode()
    assert redis.hget(NAMES.user(str(alice.pk)), "auth") == expected
