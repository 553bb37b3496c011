"""The grant view over HTTP, and the end of grants."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest
from django.test import AsyncClient, Client
from redis import Redis
from sockgate import refresh_grants, revoke_channel, views
from sockgate.access.reminder import Reminder
from sockgate.errors import PublicationInvalid
from sockgate_gateway.wire.control import RevokeChannel
from sockgate_gateway.wire.errors import ChannelNameError
from sockgate_gateway.wire.names import sid_of
from sockgate_gateway.wire.tokens import Grant, GrantSigner

from tests.integration.sockgate.conftest import NAMES, Subscriber

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

ADDRESS = "/realtime/grant/"


def may_subscribe(request: HttpRequest, channel: str) -> bool:
    return bool(request.user.get_username() == "alice" and channel == "room:7")


async def may_subscribe_async(request: HttpRequest, channel: str) -> bool:
    return may_subscribe(request, channel)


@pytest.fixture(autouse=True)
def _project(sockgate: Any) -> None:
    namespaces = {"news": {"public": True}}
    more = {"AUTHORIZE": f"{__name__}.may_subscribe", "NAMESPACES": namespaces}
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, **more}


@pytest.fixture
def alice(transactional_db: None) -> User:
    return User.objects.create_user("alice", password="alice-demo")


@pytest.fixture
def login(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


def change(settings: Any, **more: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, **more}


def ask(client: Client, channel: Any = "room:7") -> Any:
    return client.post(ADDRESS, {"channel": channel})


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_grant_is_of_the_session_the_channel_and_the_rights(
    login: Client, alice: User, settings: Any, redis: Redis
) -> None:
    answer = ask(login)
    rights = redis.hget(NAMES.user(str(alice.pk)), "rights")
    assert isinstance(rights, bytes)
    grant = GrantSigner(settings.SOCKGATE["SIGNING_KEYS"]).read(answer.json()["grant"], 60)
    assert grant == Grant(sid_of(login.session.session_key), "room:7", rights.decode())
    assert answer.json()["expires_in"] == 3600


def test_grant_names_the_restored_rights_under_atomic_requests(
    login: Client, alice: User, settings: Any, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    redis.delete(NAMES.user(str(alice.pk)))
    text = ask(login).json()["grant"]
    grant = GrantSigner(settings.SOCKGATE["SIGNING_KEYS"]).read(text, 60)
    assert grant.rights.encode() == redis.hget(NAMES.user(str(alice.pk)), "rights")


@pytest.mark.parametrize("authorize", [may_subscribe, may_subscribe_async])
def test_grant_calls_any_callable(login: Client, settings: Any, authorize: Any) -> None:
    change(settings, AUTHORIZE=authorize)
    assert ask(login).status_code == 200
    assert refusal(ask(login, "room:8")) == (403, "not_allowed")


def test_grant_is_older_than_what_happens_while_it_is_decided(
    login: Client, alice: User, settings: Any, redis: Redis
) -> None:
    """A revocation during the decision makes the grant void."""

    def slow(request: HttpRequest, channel: str) -> bool:
        refresh_grants([alice])
        revoke_channel(alice, channel)
        return True

    change(settings, AUTHORIZE=slow)
    before = redis.hget(NAMES.user(str(alice.pk)), "rights")
    text = ask(login).json()["grant"]
    grant = GrantSigner(settings.SOCKGATE["SIGNING_KEYS"]).read(text, 60)
    assert grant.rights.encode() == before != redis.hget(NAMES.user(str(alice.pk)), "rights")
    assert grant.signed_at <= float(redis.hget(NAMES.revoked(str(alice.pk)), "room:7") or 0)


def test_grant_accepts_json(login: Client) -> None:
    answer = login.post(ADDRESS, {"channel": "room:7"}, content_type="application/json")
    assert answer.status_code == 200


@pytest.mark.parametrize("is_debug", [False, True])
def test_grant_is_refused_without_authorize(
    login: Client, settings: Any, caplog: Any, monkeypatch: pytest.MonkeyPatch, is_debug: bool
) -> None:
    monkeypatch.setattr(views, "AUTHORIZE_REMINDER", Reminder())
    change(settings, AUTHORIZE=None)
    settings.DEBUG = is_debug
    for _ in range(2):
        answer = ask(login, "room:7")
        assert answer.status_code == 403
        assert answer.json()["error"] == "not_allowed"
        assert ("AUTHORIZE" in answer.json().get("hint", "")) == is_debug
    (said,) = [one.getMessage() for one in caplog.records if one.name == "sockgate"]
    assert 'The subscription to room:7 is refused, because SOCKGATE["AUTHORIZE"]' in said


@pytest.mark.parametrize("channel", ["user:1", "user:2", "group:editors", "broadcast"])
def test_grant_is_refused_where_only_the_server_subscribes(
    login: Client, settings: Any, channel: str
) -> None:
    change(settings, AUTHORIZE=lambda request, channel: True)
    assert refusal(ask(login, channel)) == (403, "not_allowed")


@pytest.mark.parametrize("channel", ["", "{room}", "room 7", "x" * 256, "room:\n", "é"])
def test_grant_rejects_a_bad_channel_name(login: Client, channel: str) -> None:
    assert refusal(ask(login, channel)) == (400, "bad_channel")


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "{}", '{"channel":7}', "{", "[" * 100_000, b"\xff"]
)
def test_grant_rejects_a_bad_request(login: Client, body: Any) -> None:
    answer = login.post(ADDRESS, body, content_type="application/json")
    assert refusal(answer) == (400, "bad_channel")


def test_grant_needs_a_channel(login: Client) -> None:
    assert refusal(login.post(ADDRESS)) == (400, "bad_channel")


def test_grant_of_a_public_channel_is_none(client: Client, redis: Redis) -> None:
    assert ask(client, "news:sport").json() == {"grant": None, "expires_in": 3600}
    assert redis.keys() == []


def test_grant_is_refused_without_a_login(client: Client) -> None:
    assert refusal(ask(client)) == (401, "login_required")


def test_grant_of_a_visitor_names_the_session(client: Client, settings: Any) -> None:
    change(settings, ANONYMOUS=True, AUTHORIZE=lambda request, channel: True)
    answer = ask(client)
    grant = GrantSigner(settings.SOCKGATE["SIGNING_KEYS"]).read(answer.json()["grant"], 60)
    assert grant.sid == sid_of(answer.cookies["sessionid"].value)


def test_grant_is_never_cached_and_varies_by_cookie(login: Client) -> None:
    answer = ask(login)
    assert "no-store" in answer["Cache-Control"]
    assert "Cookie" in answer["Vary"]


def test_grant_refuses_get(login: Client) -> None:
    assert login.get(ADDRESS, {"channel": "room:7"}).status_code == 405


def test_grant_refuses_a_forged_request(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert ask(strict).status_code == 403


def test_grant_works_behind_login_required_middleware(client: Client, settings: Any) -> None:
    middleware = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, middleware]
    assert ask(client).status_code == 401


def test_grant_reports_that_redis_is_down(login: Client, settings: Any, caplog: Any) -> None:
    settings.SESSION_ENGINE = "sockgate.sessions.db"
    login.force_login(User.objects.get())
    change(settings, REDIS_URL="unix:///nowhere/redis.sock")
    answer = ask(login)
    assert refusal(answer) == (503, "unavailable")
    assert answer["Retry-After"] == "2"
    assert "The view grant could not answer" in caplog.text


def test_grant_under_asgi(alice: User, settings: Any) -> None:
    change(settings, AUTHORIZE=may_subscribe_async)

    @async_to_sync
    async def scenario() -> Any:
        client = AsyncClient()
        await client.aforce_login(alice)
        return await client.post(ADDRESS, {"channel": "room:7"})

    assert json.loads(scenario().content)["grant"]


# The end of grants.


def test_revoke_channel_notifies_and_is_stored(
    redis: Redis, subscriber: Subscriber, at_1700000000: Any
) -> None:
    revoke_channel(7, "room:7")
    assert subscriber.control() == [RevokeChannel("7", "room:7")]
    assert redis.hgetall(NAMES.revoked("7")) == {b"room:7": b"1700000000"}
    assert 3600 < redis.ttl(NAMES.revoked("7")) <= 3660


@pytest.fixture
def at_1700000000(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sockgate.access.revocation.time", lambda: 1700000000.9)


def test_revoke_channel_stores_each_channel(redis: Redis) -> None:
    for channel in ("room:7", "room:8"):
        revoke_channel(7, channel)
    assert redis.hlen(NAMES.revoked("7")) == 2


def test_revoke_channel_rejects_a_bad_channel_name_or_user(redis: Redis) -> None:
    with pytest.raises(ChannelNameError):
        revoke_channel(7, "{room}")
    with pytest.raises(PublicationInvalid):
        revoke_channel(None, "room:7")
    assert redis.keys() == []
