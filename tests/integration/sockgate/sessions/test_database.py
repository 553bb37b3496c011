"""Rows of the session table that are deleted without the engine."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from redis import Redis
from sockgate.sessions.db import SessionStore
from sockgate_gateway.wire.control import RevokeSession, SessionMoved
from sockgate_gateway.wire.names import sid_of

from tests.integration.sockgate.conftest import NAMES, Subscriber

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def session(sockgate: Any, transactional_db: None) -> Any:
    sockgate.SESSION_ENGINE = "sockgate.sessions.db"
    SessionStore.watch_rows()
    session = SessionStore()
    session["cat"] = "dog"
    session.save()
    return session


def test_deleted_row_ends_the_session(session: Any, redis: Redis, subscriber: Subscriber) -> None:
    Session.objects.all().delete()
    sid = sid_of(session.session_key)
    assert subscriber.control() == [RevokeSession(sid)]
    assert not redis.exists(NAMES.session(sid))


def test_deleted_row_ends_the_session_when_that_is_committed(
    session: Any, subscriber: Subscriber
) -> None:
    with transaction.atomic():
        Session.objects.get().delete()
        assert subscriber.control() == []
    assert subscriber.control() == [RevokeSession(sid_of(session.session_key))]


def test_cycle_key_deletes_a_row_and_moves_the_session(
    session: Any, subscriber: Subscriber
) -> None:
    old = sid_of(session.session_key)
    session.cycle_key()
    assert subscriber.control() == [SessionMoved(old, sid_of(session.session_key))]


@pytest.mark.parametrize(
    "clear", [lambda: call_command("clearsessions"), async_to_sync(SessionStore.aclear_expired)]
)
def test_clear_expired_deletes_only_expired_rows(
    session: Any, subscriber: Subscriber, clear: Any
) -> None:
    expired = SessionStore()
    expired.save()
    Session.objects.filter(pk=expired.session_key).update(expire_date=timezone.now())
    subscriber.control()
    clear()
    assert [row.pk for row in Session.objects.all()] == [session.session_key]
    assert subscriber.control() == []
