"""A change of a user's permissions in Django makes the grants of this user void, and no others."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from redis import Redis, RedisError
from sockgate import refresh_grants, refresh_users
from sockgate.users import records
from sockgate_gateway.wire.control import RevokeUser, UserChanged

from tests.integration.sockgate.conftest import NAMES, Subscriber

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _project(sockgate: Any, transactional_db: None) -> None:
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, "AUTHORIZE": lambda request, channel: True}


@pytest.fixture
def permission() -> Permission:
    return Permission.objects.get(codename="add_group")


@pytest.fixture
def editors() -> Group:
    return Group.objects.create(name="editors")


@pytest.fixture
def alice(editors: Group) -> User:
    alice = log_in("alice")
    alice.groups.add(editors)
    return alice


@pytest.fixture
def bob() -> User:
    return log_in("bob")


def log_in(name: str) -> User:
    user = User.objects.create_user(name)
    Client().force_login(user)
    return user


def rights(redis: Redis, user: User) -> Any:
    return redis.hget(NAMES.user(str(user.pk)), "rights")


Change = Callable[[User, Group, Permission], object]

CHANGES: dict[str, Change] = {
    "own, added": lambda u, g, p: u.user_permissions.add(p),
    "own, set": lambda u, g, p: u.user_permissions.set([p]),
    "own, added from its side": lambda u, g, p: p.user_set.add(u),
    "a group's, added": lambda u, g, p: g.permissions.add(p),
    "a group's, set": lambda u, g, p: g.permissions.set([p]),
    "a group's, added from its side": lambda u, g, p: p.group_set.add(g),
    "superuser": lambda u, g, p: save(u, is_superuser=True),
    "staff": lambda u, g, p: save(u, is_staff=True),
    "group left": lambda u, g, p: u.groups.remove(g),
    "group deleted": lambda u, g, p: g.delete(),
    "group renamed": lambda u, g, p: save(g, name="authors"),
    "in bulk": lambda u, g, p: in_bulk(u, is_superuser=True),
    "by the project": lambda u, g, p: refresh_grants([u]),
}


def save(instance: Any, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(instance, name, value)
    instance.save()


def in_bulk(user: User, **fields: Any) -> None:
    User.objects.filter(pk=user.pk).update(**fields)
    refresh_users(User.objects.all())


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_change_of_rights_voids_only_the_grants_of_that_user(
    redis: Redis,
    subscriber: Subscriber,
    alice: User,
    bob: User,
    editors: Group,
    permission: Permission,
    change: Change,
) -> None:
    subscriber.control()
    before, bobs = rights(redis, alice), rights(redis, bob)
    change(alice, editors, permission)
    assert rights(redis, alice) != before
    assert rights(redis, bob) == bobs
    assert subscriber.control() == [UserChanged(str(alice.pk))]


TAKEN: dict[str, Change] = {
    "own, removed": lambda u, g, p: u.user_permissions.remove(p),
    "own, cleared": lambda u, g, p: u.user_permissions.clear(),
    "own, cleared from its side": lambda u, g, p: p.user_set.clear(),
    "a group's, removed": lambda u, g, p: g.permissions.remove(p),
    "a group's, cleared": lambda u, g, p: g.permissions.clear(),
    "a group's, cleared from its side": lambda u, g, p: p.group_set.clear(),
    "deleted": lambda u, g, p: p.delete(),
    "called otherwise": lambda u, g, p: save(p, codename="found_group"),
}


@pytest.mark.parametrize("change", TAKEN.values(), ids=TAKEN.keys())
def test_removed_right_voids_grants(
    redis: Redis, alice: User, editors: Group, permission: Permission, change: Change
) -> None:
    alice.user_permissions.add(permission)
    editors.permissions.add(permission)
    before = rights(redis, alice)
    change(alice, editors, permission)
    assert rights(redis, alice) != before


def test_restored_right_does_not_restore_grants(
    redis: Redis, alice: User, permission: Permission
) -> None:
    names = {rights(redis, alice)}
    for change in (alice.user_permissions.add, alice.user_permissions.remove) * 2:
        change(permission)
        names.add(rights(redis, alice))
    assert len(names) == 5


NO_CHANGES: dict[str, Change] = {
    "saved without a change": lambda u, g, p: u.save(),
    "another name": lambda u, g, p: save(u, first_name="Alice"),
    "had it already": lambda u, g, p: g.permissions.add(p),
    "never had it": lambda u, g, p: u.user_permissions.remove(p),
    "looked at in bulk": lambda u, g, p: refresh_users(User.objects.all()),
    "described otherwise": lambda u, g, p: save(p, name="May found groups"),
    "another group": lambda u, g, p: Group.objects.create(name="others").permissions.add(p),
}


@pytest.mark.parametrize("change", NO_CHANGES.values(), ids=NO_CHANGES.keys())
def test_change_that_affects_no_right_sends_no_control_message(
    redis: Redis,
    subscriber: Subscriber,
    alice: User,
    editors: Group,
    permission: Permission,
    change: Change,
) -> None:
    editors.permissions.add(permission)
    subscriber.control()
    before = rights(redis, alice)
    change(alice, editors, permission)
    assert rights(redis, alice) == before
    assert subscriber.control() == []


def test_change_that_was_rolled_back_sends_no_control_message(
    redis: Redis, subscriber: Subscriber, alice: User, permission: Permission
) -> None:
    subscriber.control()
    before = rights(redis, alice)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        alice.user_permissions.add(permission)
        raise ZeroDivisionError
    assert (rights(redis, alice), subscriber.control()) == (before, [])


def test_change_without_redis_raises(alice: User, permission: Permission, settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": "unix:///nowhere/redis.sock"}
    with pytest.raises(RedisError):
        alice.user_permissions.add(permission)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(records, "_BATCH", 3)
    return 3


def test_change_of_a_large_group_updates_logged_in_members_in_batches(
    redis: Redis, subscriber: Subscriber, editors: Group, permission: Permission, small_batches: int
) -> None:
    online = [log_in(f"online{n}") for n in range(small_batches + 1)]
    offline = User.objects.bulk_create(User(username=f"offline{n}") for n in range(9))
    editors.user_set.set([*online, *offline])
    subscriber.control()
    before = [rights(redis, user) for user in online]
    with CaptureQueriesContext(connection) as asked:
        editors.permissions.add(permission)
    messages = subscriber.control()
    assert sorted(map(str, messages)) == sorted(str(UserChanged(str(user.pk))) for user in online)
    assert not {rights(redis, user) for user in online} & set(before)
    loads = [q for q in asked.captured_queries if "is_superuser" in q["sql"]]
    assert len(loads) == 2 * 2  # four who are logged in, three at a time, and once more to be sure
    assert redis.keys(NAMES.user("*")) and len(redis.keys(NAMES.user("*"))) == len(online)


def test_site_without_authorize_queries_no_permissions(
    settings: Any,
    redis: Redis,
    subscriber: Subscriber,
    alice: User,
    editors: Group,
    permission: Permission,
) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "AUTHORIZE": None}
    alice.save()
    subscriber.control()
    with CaptureQueriesContext(connection) as asked:
        editors.permissions.add(permission)
        alice.save()
    assert not [q for q in asked.captured_queries if "user_user_permissions" in q["sql"]]
    assert subscriber.control() == []


def test_refresh_grants_of_users_without_a_login_writes_no_record(
    redis: Redis, subscriber: Subscriber
) -> None:
    refresh_grants([7, "8"])
    assert (redis.keys(), subscriber.control()) == ([], [])


def test_refresh_grants_accepts_a_queryset_users_and_pks(
    redis: Redis, alice: User, bob: User
) -> None:
    for chosen in (User.objects.all(), [alice, bob], [alice.pk, str(bob.pk)]):
        before = {rights(redis, user) for user in (alice, bob)}
        refresh_grants(chosen)
        assert not before & {rights(redis, user) for user in (alice, bob)}


def test_deactivation_revokes_the_user(redis: Redis, subscriber: Subscriber, alice: User) -> None:
    subscriber.control()
    in_bulk(alice, is_active=False, is_superuser=True)
    assert subscriber.control() == [RevokeUser(str(alice.pk))]


def test_login_record_of_an_older_release_receives_a_name_for_the_rights(
    redis: Redis, alice: User
) -> None:
    client = Client()
    client.force_login(alice)
    redis.hdel(NAMES.user(str(alice.pk)), "rights", "permissions")
    assert client.post("/realtime/token/").status_code == 200
    assert rights(redis, alice)
