"""Session records as the gateway reads them: tests that each engine inherits."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from redis import Redis
from sockgate_gateway.wire.control import RevokeSession, SessionMoved
from sockgate_gateway.wire.names import auth_digest, sid_of
from sockgate_gateway.wire.records import MOVED_S

from tests.integration.sockgate.conftest import NAMES, Subscriber

UID = "41"
"""A user who is not in the database, so that no record can be restored."""


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

    def test_save_records_the_logged_in_user(self, session: Any, redis: Redis) -> None:
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

    def test_saved_record_expires_with_the_session(self, session: Any, redis: Redis) -> None:
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

    def test_save_without_a_change_sends_no_control_message(
        self, session: Any, subscriber: Subscriber
    ) -> None:
        session["cat"] = "dog"
        session.save()
        assert subscriber.control() == []

    def test_save_of_another_identity_sends_a_control_message(
        self, session: Any, subscriber: Subscriber
    ) -> None:
        session[HASH_SESSION_KEY] = "another hash"
        session.save()
        sid = sid_of(session.session_key)
        assert SessionMoved(sid, sid) in subscriber.control()

    def test_save_that_ends_sooner_sends_a_control_message(
        self, session: Any, subscriber: Subscriber
    ) -> None:
        session.set_expiry(10)
        session.save()
        sid = sid_of(session.session_key)
        assert SessionMoved(sid, sid) in subscriber.control()

    def test_save_of_an_ended_session_removes_the_record_and_sends_a_control_message(
        self, session: Any, redis: Redis, subscriber: Subscriber
    ) -> None:
        session.set_expiry(-10)
        session.save()
        sid = sid_of(session.session_key)
        assert self.record(redis, session) == {}
        assert SessionMoved(sid, sid) in subscriber.control()

    @pytest.mark.parametrize("end", ["delete", "flush", "adelete", "aflush"])
    def test_end_removes_and_revokes(
        self, session: Any, redis: Redis, subscriber: Subscriber, end: str
    ) -> None:
        sid = sid_of(session.session_key)
        act = getattr(session, end)
        async_to_sync(act)() if end.startswith("a") else act()
        assert not redis.exists(NAMES.session(sid), NAMES.user_sessions(UID))
        assert set(subscriber.control()) == {RevokeSession(sid)}

    @pytest.mark.parametrize("cycle", ["cycle_key", "acycle_key"])
    def test_cycle_key_moves_and_does_not_revoke(
        self, session: Any, redis: Redis, subscriber: Subscriber, cycle: str
    ) -> None:
        old_sid, before = sid_of(session.session_key), self.record(redis, session)
        act = getattr(session, cycle)
        async_to_sync(act)() if cycle.startswith("a") else act()
        new_sid = sid_of(session.session_key)
        assert self.record(redis, session) == before
        assert redis.hgetall(NAMES.session(old_sid)) == {b"moved": new_sid.encode()}
        assert 0 < redis.ttl(NAMES.session(old_sid)) <= MOVED_S
        assert redis.zrange(NAMES.user_sessions(UID), 0, -1) == [new_sid.encode()]
        moves = [message for message in subscriber.control() if isinstance(message, SessionMoved)]
        assert moves == [SessionMoved(old_sid, new_sid)]

    def test_save_after_logout_does_not_resurrect(self, session: Any, redis: Redis) -> None:
        late = self.store(session.session_key)
        late["cat"] = "dog"
        session.flush()
        with pytest.raises(UpdateError):
            late.save()
        assert self.record(redis, late) == {}

    def test_ensure_recorded_restores_the_user_record(
        self, alice: User, redis: Redis, client: Client
    ) -> None:
        client.force_login(alice)
        before = redis.hgetall(NAMES.user(str(alice.pk)))
        redis.delete(NAMES.user(str(alice.pk)))
        client.session.ensure_recorded()
        self.assert_healed(redis.hgetall(NAMES.user(str(alice.pk))), before)

    def assert_healed(self, after: dict[Any, Any], before: dict[Any, Any]) -> None:
        """Grants from before the loss are void: a change in between may have been lost."""
        assert after.pop(b"rights") != before.pop(b"rights")
        assert after == before

    def test_save_restores_the_user_record(self, alice: User, redis: Redis, client: Client) -> None:
        client.force_login(alice)
        before = redis.hgetall(NAMES.user(str(alice.pk)))
        redis.delete(NAMES.user(str(alice.pk)))
        client.session.save()
        self.assert_healed(redis.hgetall(NAMES.user(str(alice.pk))), before)
        assert redis.ttl(NAMES.user(str(alice.pk))) > client.session.get_expiry_age()

    def test_async_save_restores_the_user_record(
        self, alice: User, redis: Redis, client: Client
    ) -> None:
        client.force_login(alice)
        before = redis.hgetall(NAMES.user(str(alice.pk)))
        redis.delete(NAMES.user(str(alice.pk)))
        session = client.session
        async_to_sync(session.asave)()
        self.assert_healed(redis.hgetall(NAMES.user(str(alice.pk))), before)

    def test_end_logins_ends_only_those_of_the_user(self, session: Any, redis: Redis) -> None:
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
