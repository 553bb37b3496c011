"""Changes of users while Redis does not answer: in production and in DEBUG."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from redis import Redis, RedisError
from sockgate.users import outdated, records

from tests.integration.sockgate.conftest import NAMES

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def alice(sockgate: Any, transactional_db: None) -> User:
    return User.objects.create_user("alice", password="alice-demo")


@pytest.fixture
def login(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def debug(sockgate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    sockgate.DEBUG, sockgate.BASE_DIR = True, tmp_path
    monkeypatch.setattr(outdated, "_paused_until", float("-inf"))
    monkeypatch.setattr(outdated, "_next_line_at", float("-inf"))
    return sockgate


def is_forgotten(redis: Redis, user: User) -> bool:
    return not redis.exists(NAMES.user(str(user.pk)))


def change(user: User) -> None:
    """Make each change that the receivers follow."""
    user.groups.add(Group.objects.create(name="staff"))
    user.user_permissions.add(Permission.objects.first())
    user.set_password("other")
    user.save()


def test_production_says_what_is_saved_and_what_to_run(login: Client, no_redis: None) -> None:
    alice = User.objects.get()
    alice.set_password("other")
    with pytest.raises(RedisError) as raised:
        alice.save()
    text = str(raised.value)
    assert f"user(s) {alice.pk} is saved in the database, but did not reach Redis" in text
    assert "manage.py sockgate_sync --users" in text
    assert "nowhere" in text  # The cause.
    assert User.objects.get().check_password("other")
    with pytest.raises(RedisError, match=r"The deletion of the user .* is saved"):
        alice.delete()
    assert not User.objects.exists()


def test_text_names_the_first_of_many_users(alice: User, no_redis: None) -> None:
    users = [User.objects.create(username=f"user{number}") for number in range(7)]
    with pytest.raises(RedisError, match=r"user\(s\) [\d, ]+ and 2 more is saved"):
        Group.objects.create(name="all").user_set.set(users)


def test_production_leaves_no_note(login: Client, no_redis: None, settings: Any) -> None:
    settings.BASE_DIR = Path("/nowhere")
    with pytest.raises(RedisError):
        login.session.flush()


def test_command_brings_records_up_to_date(login: Client, alice: User, redis: Redis) -> None:
    bob = User.objects.create_user("bob")
    Client().force_login(bob)
    User.objects.filter(pk=alice.pk).update(password="other")  # No signal is sent.
    Group.objects.create(name="staff").user_set.through.objects.create(
        user=alice, group=Group.objects.get()
    )
    User.objects.filter(pk=bob.pk)._raw_delete("default")
    out = StringIO()
    call_command("sockgate_sync", users=True, stdout=out)
    assert "Users with a record, all up to date: " in out.getvalue()
    assert redis.hget(NAMES.user(str(alice.pk)), "channels") == b'["group:staff"]'
    assert is_forgotten(redis, bob)


def test_command_without_redis_names_the_cause(alice: User, no_redis: None) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("sockgate_sync", users=True)


def test_debug_logs_one_line_and_forgets_the_records_later(
    login: Client, alice: User, debug: Any, redis: Redis, caplog: Any
) -> None:
    here = debug.SOCKGATE
    debug.SOCKGATE = {**here, "REDIS_URL": "unix:///nowhere/redis.sock"}
    change(alice)
    User.objects.create_user("bob").delete()
    assert len(caplog.messages) == 1
    assert "The next runserver brings all records up to date" in caplog.text
    debug.SOCKGATE = here
    assert not is_forgotten(redis, alice)
    assert outdated.forget_outdated(are_sessions_mirrored=False)
    assert is_forgotten(redis, alice)
    assert not outdated.forget_outdated(are_sessions_mirrored=False)
    assert login.session.session_key  # A session that only Redis has stays.
    records.restore(str(alice.pk), 60)
    assert not is_forgotten(redis, alice)


def test_note_stays_until_redis_answers(alice: User, debug: Any, no_redis: None) -> None:
    change(alice)
    with pytest.raises(RedisError):
        outdated.forget_outdated(are_sessions_mirrored=False)
    debug.SOCKGATE = {**debug.SOCKGATE, "REDIS_URL": "memory://"}
    assert outdated.forget_outdated(are_sessions_mirrored=False)


def test_redis_that_has_failed_is_not_tried_for_each_user(
    alice: User, debug: Any, no_redis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    monkeypatch.setattr(records, "remove", lambda uid: tried.append(uid))
    alice.set_password("other")
    alice.save()
    alice.delete()
    assert tried == []
    monkeypatch.setattr(outdated, "monotonic", lambda: outdated._paused_until + 1)
    User.objects.create_user("bob").delete()
    assert len(tried) == 1


def test_folder_that_cannot_be_written_raises(alice: User, debug: Any, no_redis: None) -> None:
    debug.BASE_DIR = Path("/proc")
    with pytest.raises(RedisError, match="sockgate_sync --users"):
        change(alice)


def test_deleted_session_rows_are_forgotten(alice: User, debug: Any, redis: Redis) -> None:
    debug.SESSION_ENGINE = "sockgate.sessions.db"
    client = Client()
    client.force_login(alice)
    here = debug.SOCKGATE
    debug.SOCKGATE = {**here, "REDIS_URL": "unix:///nowhere/redis.sock"}
    change(alice)
    debug.SOCKGATE = here
    assert [*redis.scan_iter("sockgate:session:*")]
    assert outdated.forget_outdated(are_sessions_mirrored=True)
    assert not [*redis.scan_iter("sockgate:session:*")]
