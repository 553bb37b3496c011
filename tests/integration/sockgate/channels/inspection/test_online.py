"""Who is online on a large site: counts, some users and a search, and nobody reads all."""

import pytest
from django.contrib.auth.models import User
from redis import Redis
from sockgate.channels.inspection import online
from sockgate.channels.inspection.online import read_now, read_online
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.presence import write_beat

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

NAMES = Names()
CROWD = 12_000


@pytest.fixture
def crowd(sockgate, redis: Redis) -> list[User]:
    """Twelve thousand users on two workers; alice is on both, and has a page of her own on each."""
    users = [User.objects.create_user(name) for name in ("alice", "bob", "malice")]
    alice, bob, _ = users
    for worker in ("one", "two"):
        redis.sadd(NAMES.workers, worker)
        redis.set(NAMES.worker(worker), write_beat(CROWD), ex=60)
        table = {str(1000 + number): 1 for number in range(CROWD)} if worker == "one" else {}
        redis.hset(NAMES.presence("broadcast", worker), mapping={**table, str(alice.pk): 2})
    redis.hset(NAMES.presence("broadcast", "two"), mapping={str(bob.pk): 1, "": 7})
    return users


def test_large_site_shows_counts_and_some_users(crowd: list[User]) -> None:
    found = read_online("broadcast", limit=20)
    assert (found.users, found.is_exact) == (CROWD + 3, False)
    assert (found.connections, found.anonymous) == (2 * CROWD, 7)  # By their heartbeats.
    assert 0 < len(found.shown) <= 20


def test_search_on_a_large_site_finds_who_is_online(crowd: list[User]) -> None:
    alice, _, _ = crowd
    found = read_online("broadcast", search="LICE")
    assert [(user.uid, user.name, user.connections) for user in found.shown] == [
        (str(alice.pk), "alice", 4)
    ]


def test_whole_name_is_found_among_many_that_contain_it(
    crowd: list[User], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(online, "MAX_FOUND", 3)
    User.objects.bulk_create([User(username=f"a carol {number}") for number in range(9)])
    carol = User.objects.create_user("carol")
    redis.hset(NAMES.presence("broadcast", "two"), str(carol.pk), 1)
    assert [user.name for user in read_online("broadcast", search="carol").shown] == ["carol"]


def test_small_site_is_exact_and_in_pages(crowd: list[User], redis: Redis) -> None:
    redis.delete(NAMES.presence("broadcast", "one"))
    _, bob, _ = crowd
    found = read_online("broadcast", limit=1)
    assert (found.users, found.is_exact, found.connections) == (2, True, 10)
    assert [user.name for user in found.shown] == ["alice"]
    assert [user.uid for user in read_online("broadcast", limit=1, first=1).shown] == [str(bob.pk)]


def test_workers_that_are_silent_are_named(crowd: list[User]) -> None:
    present = read_now([])
    assert [(worker.name.id, worker.state) for worker in present.workers] == [
        ("one", None),
        ("two", None),
    ]
