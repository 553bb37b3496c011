"""A site that is slow between its saves: a request for a token in between gets 503."""

from typing import Any

import pytest
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client
from redis import Redis
from sockgate.access.tokens import issue_token
from sockgate.sessions import pending_change
from sockgate_gateway.wire.names import sid_of

from tests.integration.sockgate.conftest import NAMES

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

ENGINES = ("redis", "db", "cached_db")


@pytest.fixture(autouse=True, params=ENGINES)
def engine(request: pytest.FixtureRequest, sockgate: Any, transactional_db: None) -> str:
    sockgate.SESSION_ENGINE = f"sockgate.sessions.{request.param}"
    more = {"AUTHORIZE": lambda request, channel: True}
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, **more}
    return str(request.param)


@pytest.fixture
def alice(engine: str) -> User:
    return User.objects.create_user("alice", password="alice-demo")


@pytest.fixture
def login(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


def ask(client: Client) -> int:
    return int(client.post("/realtime/token/").status_code)


def save_password(user: User) -> None:
    user.set_password("another")
    user.save()


def finish(client: Client, user: User) -> None:
    """Do what a site does after it saved the user; the browser receives the response."""
    request = HttpRequest()
    request.session, request.user = client.session, user
    update_session_auth_hash(request, user)
    request.session.save()
    client.cookies["sessionid"] = str(request.session.session_key)


def test_slow_change_of_the_own_password_keeps_the_session(login: Client, alice: User) -> None:
    """A token request in between must not end the session that the site is about to save."""
    save_password(alice)
    answer = login.post("/realtime/token/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert login.post("/realtime/grant/", {"channel": "room:7"}).status_code == 503
    finish(login, alice)
    assert ask(login) == 200


def test_browser_with_the_old_cookie_waits_for_the_response(login: Client, alice: User) -> None:
    old_key = login.cookies["sessionid"].value
    save_password(alice)
    finish(login, alice)
    new_key = login.cookies["sessionid"].value
    login.cookies["sessionid"] = old_key
    assert "sessionid" not in login.post("/realtime/token/").cookies
    assert ask(login) == 503
    login.cookies["sessionid"] = new_key
    assert ask(login) == 200


def test_session_that_a_new_password_has_ended_is_over_after_a_while(
    login: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_password(alice)
    assert ask(login) == 503
    monkeypatch.setattr(pending_change, "CHANGE_PENDING_S", 0)
    assert ask(login) == 401


def test_logout_is_over_at_once(login: Client) -> None:
    key = login.cookies["sessionid"].value
    login.logout()
    login.cookies["sessionid"] = key
    assert ask(login) == 401


def test_deactivated_user_is_over_at_once(login: Client, alice: User) -> None:
    alice.is_active = False
    save_password(alice)
    assert ask(login) == 401


def test_change_of_another_field_does_not_delay_other_sessions(login: Client, alice: User) -> None:
    alice.is_superuser = True
    alice.save()
    assert ask(login) == 200


def test_session_that_moved_and_ended_is_over_when_the_trace_is(
    login: Client, redis: Redis
) -> None:
    old_key = str(login.cookies["sessionid"].value)
    session = login.session
    session.cycle_key()
    session.flush()
    redis.delete(NAMES.session(sid_of(old_key)))
    assert ask(login) == 401


def test_page_that_is_rendered_by_the_request_that_changes_the_password_has_a_token(
    login: Client, alice: User
) -> None:
    save_password(alice)
    request = HttpRequest()
    request.COOKIES["sessionid"] = str(login.cookies["sessionid"].value)
    request.session, request.user = login.session, alice
    update_session_auth_hash(request, alice)
    assert issue_token(request) is not None
