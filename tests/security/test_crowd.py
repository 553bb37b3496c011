"""A hundred of five hundred users are signed out in the middle of a storm of publications."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from redis import Redis
from sockgate import revoke_user
from sockgate_gateway.wire.names import Names

from tests.security.crowd import Crowd, Member
from tests.security.visits import visit
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

USERS, TABS_EACH, REVOKED = 500, 2, 100
ROUNDS, REVOKED_AT_ROUND = 100, 40
PATIENCE_S = 60
NAMES = Names()


class Storm:
    """Publishes to every user in turn, as fast as Redis takes it; the last round waits.

    ``began_at`` holds the time at which each round began.
    """

    def __init__(self, redis: Redis, users: list[User]) -> None:
        self._redis = redis
        self._channels = [NAMES.channel(f"user:{user.pk}") for user in users]
        self.began_at: list[float] = []
        self.is_midway = threading.Event()
        self._may_end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Publish the last round."""
        self._may_end.set()
        self._thread.join(PATIENCE_S)

    def _run(self) -> None:
        for number in range(ROUNDS):
            if number == REVOKED_AT_ROUND:
                self.is_midway.set()
            if number == ROUNDS - 1:
                self._may_end.wait(PATIENCE_S)
            self.began_at.append(time.monotonic())
            with self._redis.pipeline(transaction=False) as pipe:
                for channel in self._channels:
                    pipe.publish(channel, number)
                pipe.execute()


@pytest.fixture
def crowd(start_gateway: Any) -> Iterator[Crowd]:
    gateway = start_gateway(max_per_user=USERS, heartbeat=3600)  # These browsers may be slow.
    crowd = Crowd(gateway.port)
    yield crowd
    crowd.stop()


def rounds_of(member: Member) -> list[int]:
    frames = [json.loads(frame) for frame in member.frames]
    return [frame["data"] for frame in frames if "data" in frame]


def test_revoked_users_are_closed_and_the_others_miss_no_publication(
    site: Any, redis: Redis, crowd: Crowd
) -> None:
    users = User.objects.bulk_create(User(username=f"user{n}") for n in range(USERS))
    tokens = [visit(user).token() for user in users for _ in range(TABS_EACH)]
    members = crowd.open(tokens)
    storm = Storm(redis, users)
    storm.start()
    assert storm.is_midway.wait(PATIENCE_S)
    for user in users[:REVOKED]:
        revoke_user(user)
    revoked_at = time.monotonic()
    storm.finish()
    revoked, others = members[: REVOKED * TABS_EACH], members[REVOKED * TABS_EACH :]
    assert all(member.closed.wait(PATIENCE_S) for member in revoked)
    assert {member.code for member in revoked} == {4500}
    late = {n for n, began in enumerate(storm.began_at) if began > revoked_at}
    assert late
    assert not late & {number for member in revoked for number in rounds_of(member)}
    wait_for_the_last_round(others)
    assert all(rounds_of(member) == list(range(ROUNDS)) for member in others)
    assert not any(member.closed.is_set() for member in others)


def wait_for_the_last_round(members: list[Member]) -> None:
    wait_until(
        lambda: all(len(member.frames) > ROUNDS for member in members),
        lambda: min(len(member.frames) for member in members),
    )
