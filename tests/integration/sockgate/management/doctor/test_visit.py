from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import DatabaseError, OperationalError, connection
from django.db.models.signals import post_save
from redis import Redis, RedisError
from sockgate.management.doctor.report import StepFailed
from sockgate.management.doctor.visit import Visit
from sockgate_gateway.wire.errors import TenantError

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("engine", ["redis", "db", "cached_db"])
def test_visit_removes_user_and_session(sockgate: Any, redis: Redis, engine: str) -> None:
    sockgate.SESSION_ENGINE = f"sockgate.sessions.{engine}"
    visit = Visit(None)
    name = visit.find_user()
    visit.log_in()
    assert User.objects.get().username == name
    assert redis.keys("sockgate:session:*")
    visit.clean_up()
    visit.clean_up()
    assert not User.objects.exists()
    assert not Session.objects.exists()
    assert redis.keys() == []


def test_visit_removes_the_user_while_redis_is_away(sockgate: Any, redis: Redis) -> None:
    visit = Visit(None)
    visit.find_user()
    visit.log_in()
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, "REDIS_URL": "unix:///nowhere/redis.sock"}
    with pytest.raises(RedisError):
        visit.clean_up()
    assert not User.objects.exists()


def test_visit_needs_an_active_user(sockgate: Any, alice: User) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(StepFailed, match="is not active"):
        Visit("alice").find_user()


def test_visit_finds_the_backend_that_knows_the_user(sockgate: Any, alice: User) -> None:
    model = "django.contrib.auth.backends.ModelBackend"
    sockgate.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.BaseBackend", model]
    visit = Visit("alice")
    visit.find_user()
    visit.log_in()
    assert visit._session["_auth_user_backend"] == model
    visit.log_out()


def test_visit_without_a_tenant_makes_no_user(sockgate: Any) -> None:
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, "TENANT": lambda: ""}
    visit = Visit(None)
    with pytest.raises(TenantError):
        visit.find_user()
    visit.clean_up()
    assert not User.objects.exists()


@pytest.fixture
def missing_table(sockgate: Any) -> Iterator[None]:
    """The table of a model that refers to users does not exist, as before ``migrate``."""
    with connection.schema_editor() as editor:
        editor.delete_model(LogEntry)
    yield
    with connection.schema_editor() as editor:
        editor.create_model(LogEntry)


@pytest.mark.usefixtures("missing_table")
def test_visit_leaves_no_user_behind_where_a_table_is_missing(redis: Redis) -> None:
    visit = Visit(None)
    visit.find_user()
    visit.log_in()
    with pytest.raises(DatabaseError):
        visit.clean_up()
    assert not User.objects.exists()
    assert redis.keys() == []


def test_visit_leaves_no_user_behind_where_a_receiver_fails(sockgate: Any) -> None:
    def fail(**_: Any) -> None:
        raise OperationalError("no such table: profile")

    post_save.connect(fail, sender=User)
    try:
        visit = Visit(None)
        with pytest.raises(StepFailed, match="no such table: profile"):
            visit.find_user()
        visit.clean_up()
    finally:
        post_save.disconnect(fail, sender=User)
    assert not User.objects.exists()
