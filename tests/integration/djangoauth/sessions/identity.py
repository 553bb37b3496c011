"""What the gateway sees of a session, written once and inherited by the tests of each engine."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from redis import Redis

from gateway.wire.control import RevokeSession, SessionMoved
from gateway.wire.names import auth_digest, sid_of
from gateway.wire.records import MOVED_S
from tests.integration.djangoauth.conftest import NAMES, Ear

UID = "41"
"""Of a user who is in no database, so that nothing can be healed from there."""


class SessionIdentity:
    """Inherit, and set ``store`` to the engine's ``SessionStore``."""

    store: type[Any]

    @pytest.fixture(autouse=True)
    def _project(self, sockgate: Any, transactional_db: None) -> None:
        sockgate.SESSION_ENGINE = self.store.__module__

    @pytest.fixture
    def session(self) -> Any:
        """A saved login."""
        session = self.store()
        session[SESSION_KEY], session[HASH_SESSION_KEY] = UID, "some hash"
        session.save()
        return session

    def record(self, redis: Redis, session: Any) -> dict[bytes, bytes]:
        fields = redis.hgetall(NAMES.session(sid_of(session.session_key)))
        return {name: value for name, value in fields.items() if name in (b"user", b"auth")}

    def test_save_records_who_is_logged_in(self, session: Any, redis: Redis) -> None:
        digest = auth_digest("some hash").encode()
        assert self.record(redis, session) == {b"user": UID.encode(), b"auth": digest}

    def test_save_records_an_anonymous_visitor(self, redis: Redis) -> None:
        session = self.store()
        session.save()
        assert self.record(redis, session) == {b"user": b"", b"auth": b""}

    def test_save_never_shows_the_session_key(self, session: Any, redis: Redis) -> None:
        keys = redis.keys()
        dump = b" ".join([*keys, *(redis.dump(key) for key in keys)])
        assert sid_of(session.session_key).encode() in dump
        assert session.session_key.encode() not in dump

    def test_save_lives_as_long_as_the_session(self, session: Any, redis: Redis) -> None:
        session.set_expiry(500)
        session.save()
        key = NAMES.session(sid_of(session.session_key))
        assert 490 < redis.ttl(key) <= 500
        session.set_expiry(5000)
        session.save()
        assert 4990 < redis.ttl(key) <= 5000

    def test_save_lists_the_session_by_its_end(self, session: Any, redis: Redis) -> None:
        session.set_expiry(500)
        session.save()
        score = redis.zscore(NAMES.user_sessions(UID), sid_of(session.session_key))
        assert 490 < score - redis.time()[0] <= 501

    def test_save_unlists_what_has_expired(self, session: Any, redis: Redis) -> None:
        redis.zadd(NAMES.user_sessions(UID), {"gone": 1})
        session.save()
        assert redis.zrange(NAMES.user_sessions(UID), 0, -1) == [
            sid_of(session.session_key).encode()
        ]

    def test_save_lets_the_list_outlive_every_session(self, session: Any, redis: Redis) -> None:
        long_lived = redis.ttl(NAMES.user_sessions(UID))
        session.set_expiry(5)
        session.save()
        assert redis.ttl(NAMES.user_sessions(UID)) > long_lived - 10

    def test_save_lets_the_user_record_outlive_it(self, session: Any, redis: Redis) -> None:
        redis.hset(NAMES.user(UID), "auth", auth_digest("some hash"))
        redis.expire(NAMES.user(UID), 10)
        session.set_expiry(500)
        session.save()
        assert redis.ttl(NAMES.user(UID)) > 500

    def test_save_of_the_same_says_nothing(self, session: Any, ear: Ear) -> None:
        session["cat"] = "dog"
        session.save()
        assert ear.control() == []

    def test_save_of_another_identity_says_so(self, session: Any, ear: Ear) -> None:
        session[HASH_SESSION_KEY] = "another hash"
        session.save()
        sid = sid_of(session.session_key)
        assert SessionMoved(sid, sid) in ear.control()

    def test_save_that_ends_sooner_says_so(self, session: Any, ear: Ear) -> None:
        session.set_expiry(10)
        session.save()
        sid = sid_of(session.session_key)
        assert SessionMoved(sid, sid) in ear.control()

    def test_save_that_ends_at_once_removes_and_says_so(
        self, session: Any, redis: Redis, ear: Ear
    ) -> None:
        session.set_expiry(-10)
        session.save()
        sid = sid_of(session.session_key)
        assert self.record(redis, session) == {}
        assert SessionMoved(sid, sid) in ear.control()

    @pytest.mark.parametrize("end", ["delete", "flush", "adelete", "aflush"])
    def test_end_removes_and_revokes(self, session: Any, redis: Redis, ear: Ear, end: str) -> None:
        sid = sid_of(session.session_key)
        act = getattr(session, end)
        async_to_sync(act)() if end.startswith("a") else act()
        assert not redis.exists(NAMES.session(sid), NAMES.user_sessions(UID))
        assert set(ear.control()) == {RevokeSession(sid)}

    @pytest.mark.parametrize("cycle", ["cycle_key", "acycle_key"])
    def test_cycle_key_moves_and_does_not_revoke(
        self, session: Any, redis: Redis, ear: Ear, cycle: str
    ) -> None:
        old_sid, before = sid_of(session.session_key), self.record(redis, session)
        act = getattr(session, cycle)
        async_to_sync(act)() if cycle.startswith("a") else act()
        new_sid = sid_of(session.session_key)
        assert self.record(redis, session) == before
        assert redis.hgetall(NAMES.session(old_sid)) == {b"moved": new_sid.encode()}
        assert 0 < redis.ttl(NAMES.session(old_sid)) <= MOVED_S
        assert redis.zrange(NAMES.user_sessions(UID), 0, -1) == [new_sid.encode()]
        moves = [message for message in ear.control() if isinstance(message, SessionMoved)]
        assert moves == [SessionMoved(old_sid, new_sid)]

    def test_save_after_logout_does_not_resurrect(self, session: Any, redis: Redis) -> None:
        late = self.store(session.session_key)
        late["cat"] = "dog"
        session.flush()
        with pytest.raises(UpdateError):
            late.save()
        assert self.record(redis, late) == {}

    def test_ensure_recorded_heals_the_user_record(
        self, alice: User, redis: Redis, client: Client
    ) -> None:
        client.force_login(alice)
        before = redis.hgetall(NAMES.user(str(alice.pk)))
        redis.delete(NAMES.user(str(alice.pk)))
        client.session.ensure_recorded()
        self.assert_healed(redis.hgetall(NAMES.user(str(alice.pk))), before)

    def assert_healed(self, after: dict[Any, Any], before: dict[Any, Any]) -> None:
        """Grants of before the loss are void: nobody knows what happened meanwhile."""
        assert after.pop(b"rights") != before.pop(b"rights")
        assert after == before

    def test_save_heals_the_user_record(self, alice: User, redis: Redis, client: Client) -> None:
        client.force_login(alice)
        before = redis.hgetall(NAMES.user(str(alice.pk)))
        redis.delete(NAMES.user(str(alice.pk)))
        client.session.save()
        self.assert_healed(redis.hgetall(NAMES.user(str(alice.pk))), before)
        assert redis.ttl(NAMES.user(str(alice.pk))) > client.session.get_expiry_age()

    def test_async_save_heals_the_user_record(
        self, alice: User, redis: Redis, client: Client
    ) -> None:
        client.force_login(alice)
        before = redis.hgetall(NAMES.user(str(alice.pk)))
        redis.delete(NAMES.user(str(alice.pk)))
        session = client.session
        async_to_sync(session.asave)()
        self.assert_healed(redis.hgetall(NAMES.user(str(alice.pk))), before)

    def test_end_logins_ends_those_of_the_user_alone(self, session: Any, redis: Redis) -> None:
        other = self.store()
        other[SESSION_KEY], other[HASH_SESSION_KEY] = "42", "other hash"
        other.save()
        second = self.store()
        second[SESSION_KEY], second[HASH_SESSION_KEY] = UID, "some hash"
        second.save()
        self.store.end_logins(UID)
        keys = (session.session_key, second.session_key, other.session_key)
        assert [self.store().exists(key) for key in keys] == [False, False, True]
        assert self.record(redis, session) == self.record(redis, second) == {}
        assert not redis.exists(NAMES.user_sessions(UID))
