"""The token view over HTTP."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient, Client
from redis import Redis
from sockgate_gateway.wire.names import sid_of
from sockgate_gateway.wire.tokens import Token, TokenSigner

from tests.integration.sockgate.conftest import NAMES

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

ADDRESS = "/realtime/token/"
ENGINES = ("redis", "db", "cached_db")


@pytest.fixture
def alice(sockgate: Any, transactional_db: None) -> User:
    return User.objects.create_user("alice", password="alice-demo")


@pytest.fixture
def anonymous(sockgate: Any) -> None:
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, "ANONYMOUS": True}


def read_token(text: str, settings: Any) -> Token:
    return TokenSigner(settings.SOCKGATE["SIGNING_KEYS"]).read(text, 60)


@pytest.mark.parametrize("engine", ENGINES)
def test_token_names_the_session_and_its_user(
    alice: User, client: Client, settings: Any, redis: Redis, engine: str
) -> None:
    settings.SESSION_ENGINE = f"sockgate.sessions.{engine}"
    client.force_login(alice)
    answer = client.post(ADDRESS).json()
    sid = sid_of(client.session.session_key)
    assert read_token(answer["token"], settings) == Token(sid, str(alice.pk))
    assert (answer["url"], answer["expires_in"]) == ("http://127.0.0.1:8001/realtime", 3600)
    assert redis.hget(NAMES.session(sid), "user") == str(alice.pk).encode()


@pytest.mark.parametrize("engine", ENGINES)
def test_token_restores_lost_records(
    alice: User, client: Client, settings: Any, redis: Redis, engine: str
) -> None:
    settings.SESSION_ENGINE = f"sockgate.sessions.{engine}"
    client.force_login(alice)
    key = NAMES.session(sid_of(client.session.session_key))
    lost = [NAMES.user(str(alice.pk))] if engine == "redis" else redis.keys()
    redis.delete(*lost)
    assert client.post(ADDRESS).status_code == 200
    assert redis.exists(key, NAMES.user(str(alice.pk))) == 2


def test_token_costs_no_query_beside_the_users_own(
    alice: User, client: Client, django_assert_num_queries: Any
) -> None:
    client.force_login(alice)
    with django_assert_num_queries(1):
        client.post(ADDRESS)


def test_token_is_never_cached_and_varies_by_cookie(alice: User, client: Client) -> None:
    client.force_login(alice)
    answer = client.post(ADDRESS)
    assert "no-store" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]
    assert "Cookie" in answer["Vary"]


def test_token_refuses_anonymous_visitors(sockgate: Any, client: Client, redis: Redis) -> None:
    answer = client.post(ADDRESS)
    assert answer.status_code == 401
    assert answer.json() == {"error": "login_required"}
    assert "no-store" in answer["Cache-Control"]
    assert "sessionid" not in answer.cookies
    assert redis.keys() == []


def test_token_refuses_a_deactivated_user(alice: User, client: Client) -> None:
    client.force_login(alice)
    User.objects.update(is_active=False)
    assert client.post(ADDRESS).status_code == 401


def test_token_works_behind_login_required_middleware(sockgate: Any, client: Client) -> None:
    sockgate.MIDDLEWARE = [
        *sockgate.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    assert client.post(ADDRESS).status_code == 401


def test_token_gives_an_anonymous_visitor_a_session(
    anonymous: None, client: Client, settings: Any, redis: Redis
) -> None:
    answer = client.post(ADDRESS)
    sid = sid_of(answer.cookies["sessionid"].value)
    assert read_token(answer.json()["token"], settings) == Token(sid, None)
    assert redis.hget(NAMES.session(sid), "user") == b""


def test_token_keeps_an_anonymous_visitors_session(anonymous: None, client: Client) -> None:
    client.post(ADDRESS)
    key = client.session.session_key
    client.post(ADDRESS)
    assert client.session.session_key == key


def test_token_refuses_get(alice: User, client: Client) -> None:
    client.force_login(alice)
    assert client.get(ADDRESS).status_code == 405


def test_token_refuses_a_forged_request(alice: User, settings: Any) -> None:
    # Even when the project has no CsrfViewMiddleware.
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if "Csrf" not in path]
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(ADDRESS).status_code == 403


def test_token_reports_that_redis_is_down(
    alice: User, client: Client, settings: Any, redis: Redis, caplog: Any
) -> None:
    settings.SESSION_ENGINE = "sockgate.sessions.db"
    client.force_login(alice)
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": "unix:///nowhere/redis.sock"}
    answer = client.post(ADDRESS)
    assert answer.status_code == 503
    assert answer.json() == {"error": "unavailable"}
    assert answer["Retry-After"] == "2"
    assert client.session.session_key not in caplog.text


def test_token_needs_an_engine_of_ours(alice: User, client: Client, settings: Any) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    client.force_login(alice)
    with pytest.raises(ImproperlyConfigured, match=r"SESSION_ENGINE .* is not Sockgate's"):
        client.post(ADDRESS)


def test_token_needs_a_key(alice: User, client: Client, settings: Any) -> None:
    client.force_login(alice)
    settings.SOCKGATE = {**settings.SOCKGATE, "SIGNING_KEYS": []}
    with pytest.raises(ImproperlyConfigured, match="SIGNING_KEYS"):
        client.post(ADDRESS)


def test_token_under_asgi(alice: User, settings: Any) -> None:
    @async_to_sync
    async def scenario() -> Any:
        client = AsyncClient()
        await client.aforce_login(alice)
        return await client.post(ADDRESS)

    answer = scenario()
    assert read_token(answer.json()["token"], settings).uid == str(alice.pk)
