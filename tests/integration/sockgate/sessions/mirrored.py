"""Tests of the engines that mirror, in addition to those of every engine."""

from datetime import timedelta
from typing import Any, ClassVar

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.utils import timezone
from redis import Redis, RedisError
from sockgate_gateway.wire.names import sid_of

from tests.integration.sockgate.conftest import NAMES, Subscriber
from tests.integration.sockgate.sessions.identity import SessionIdentity


class MirroredIdentity(SessionIdentity):
    """Inherit, and set ``store`` and ``replaced``, the engine that the project had before."""

    replaced: ClassVar[str]

    def test_login_from_before_the_switch_stays_valid(
        self, alice: User, redis: Redis, client: Client, settings: Any
    ) -> None:
        settings.SESSION_ENGINE = self.replaced
        client.force_login(alice)
        redis.flushall()
        settings.SESSION_ENGINE = self.store.__module__
        client.session.ensure_recorded()
        assert self.record(redis, client.session)[b"user"] == str(alice.pk).encode()
        assert redis.exists(NAMES.user(str(alice.pk)))

    def test_login_that_is_recorded_late_ends_when_django_ends_it(
        self, alice: User, redis: Redis, client: Client, settings: Any
    ) -> None:
        """The record expires with the row, not a full session age from now."""
        client.force_login(alice)
        session = client.session
        soon = timezone.now() + timedelta(seconds=100)
        Session.objects.filter(pk=session.session_key).update(expire_date=soon)
        redis.flushall()
        self.store(session.session_key).ensure_recorded()
        assert 90 < redis.ttl(NAMES.session(sid_of(session.session_key))) <= 100

    def test_login_with_an_expired_row_is_not_recorded(self, session: Any, redis: Redis) -> None:
        late = self.store(session.session_key)
        assert late[SESSION_KEY]
        cache.clear()
        Session.objects.update(expire_date=timezone.now())
        redis.flushall()
        late.ensure_recorded()
        assert self.record(redis, late) == {}

    def test_ensure_recorded_of_an_ended_session_does_not_resurrect(
        self, session: Any, redis: Redis
    ) -> None:
        late = self.store(session.session_key)
        assert late[SESSION_KEY]
        session.flush()
        late.ensure_recorded()
        assert self.record(redis, late) == {}

    def test_save_does_not_resurrect_a_session_that_another_request_ended(
        self, session: Any, redis: Redis
    ) -> None:
        # The record is gone already, and the row goes next: the save comes in between.
        redis.delete(NAMES.session(sid_of(session.session_key)))
        session.save()
        assert self.record(redis, session) == {}

    def test_save_in_a_transaction_is_mirrored_on_commit(self, redis: Redis) -> None:
        session = self.store()
        with transaction.atomic():
            session.save()
            assert redis.keys() == []
        assert self.record(redis, session) == {b"user": b"", b"auth": b""}

    def test_cycle_key_in_a_transaction_that_fails_leaves_the_old_record(
        self, session: Any, redis: Redis, subscriber: Subscriber
    ) -> None:
        old_key, before = session.session_key, self.record(redis, session)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            session.cycle_key()
            raise ZeroDivisionError
        assert self.record(redis, self.store(old_key)) == before
        assert subscriber.control() == []

    def test_save_succeeds_without_redis(self, session: Any, no_redis: None, caplog: Any) -> None:
        session["cat"] = "dog"
        session.save()
        async_to_sync(session.asave)()
        assert self.store(session.session_key)["cat"] == "dog"
        assert caplog.text.count("could not be mirrored") == 2

    def test_end_without_redis_fails_as_a_whole(self, session: Any, no_redis: None) -> None:
        with pytest.raises(RedisError):
            session.delete()
        assert self.store().exists(session.session_key)
