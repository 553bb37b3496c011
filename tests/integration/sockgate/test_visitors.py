"""Sessions of visitors who have not logged in: when they start, and how long they live."""

from typing import Any

import pytest
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from redis import Redis
from sockgate_gateway.wire.names import sid_of

from tests.integration.sockgate.conftest import NAMES
from tests.integration.sockgate.test_sockgate_client import config_of, page

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TOKEN = "/realtime/token/"
ENGINES = ("redis", "db", "cached_db")
AGE_S = 500
LONG_S = 14 * 24 * 3600


def fill_cart(request: HttpRequest) -> HttpResponse:
    request.session["cart"] = [7]
    return HttpResponse()


def sign_in(request: HttpRequest) -> HttpResponse:
    login(request, User.objects.get())
    return HttpResponse()


urlpatterns = [
    path("", page),
    path("cart/", fill_cart),
    path("login/", sign_in),
    path("realtime/", include("sockgate.urls")),
]


@pytest.fixture(params=ENGINES)
def engine(request: Any, sockgate: Any, transactional_db: None) -> Any:
    sockgate.SOCKGATE = {
        **sockgate.SOCKGATE,
        "ANONYMOUS": True,
        "ANONYMOUS_SESSION_AGE": AGE_S,
    }
    sockgate.SESSION_ENGINE = f"sockgate.sessions.{request.param}"
    with override_settings(ROOT_URLCONF=__name__):
        yield sockgate


def lives(client: Client, redis: Redis) -> int:
    """Return the seconds until a client's session ends, in Redis and as a cookie."""
    cookie = client.cookies["sessionid"]
    ttl_s = redis.ttl(NAMES.session(sid_of(cookie.value)))
    assert 0 <= int(cookie["max-age"]) - ttl_s < 60
    assert client.session.get_expiry_age() == int(cookie["max-age"])
    return int(cookie["max-age"])


def nothing_is_kept(redis: Redis) -> bool:
    return not Session.objects.exists() and not list(redis.scan_iter(f"{NAMES.session('')}*"))


def test_crawler_without_cookies_leaves_no_session(
    engine: Any, client: Client, redis: Redis
) -> None:
    for _ in range(20):
        client.cookies.clear()
        answer = client.get("/")
        assert config_of(answer.content.decode())["token"] is None
        assert "sessionid" not in answer.cookies
    assert redis.keys() == []
    assert nothing_is_kept(redis)


def test_crawler_with_an_invented_cookie_leaves_no_session(
    engine: Any, client: Client, redis: Redis
) -> None:
    client.cookies["sessionid"] = "0123456789abcdef0123456789abcdef"
    assert config_of(client.get("/").content.decode())["token"] is None
    assert redis.keys() == []
    assert nothing_is_kept(redis)


def test_robot_without_the_csrf_token_leaves_no_session(engine: Any, redis: Redis) -> None:
    robot = Client(enforce_csrf_checks=True)
    assert robot.post(TOKEN).status_code == 403
    robot.get("/")  # It keeps the cookie, but does not read the page.
    assert robot.post(TOKEN).status_code == 403
    assert redis.keys() == []
    assert nothing_is_kept(redis)


def test_client_receives_a_short_session_on_request(
    engine: Any, client: Client, redis: Redis
) -> None:
    browser = Client(enforce_csrf_checks=True)
    config = config_of(browser.get("/").content.decode())
    headers = {config["csrfHeaderName"]: config["csrfToken"]}
    assert browser.post(config["tokenUrl"], headers=headers).json()["token"]
    assert lives(browser, redis) == AGE_S
    key = browser.cookies["sessionid"].value
    assert config_of(browser.get("/").content.decode())["token"]
    browser.post(config["tokenUrl"], headers=headers)
    assert browser.cookies["sessionid"].value == key


def test_session_of_a_visitor_with_data_of_the_site_has_the_default_age(
    engine: Any, client: Client, redis: Redis
) -> None:
    client.post(TOKEN)
    client.get("/cart/")
    assert lives(client, redis) == LONG_S


def test_login_of_a_visitor_has_the_default_session_age(
    engine: Any, client: Client, redis: Redis
) -> None:
    User.objects.create_user("alice")
    client.post(TOKEN)
    client.get("/login/")
    assert lives(client, redis) == LONG_S


def test_session_that_the_site_has_started_is_left_as_it_is(
    engine: Any, client: Client, redis: Redis
) -> None:
    client.get("/cart/")
    client.post(TOKEN)
    assert lives(client, redis) == LONG_S


def test_session_with_only_a_csrf_token_stays_short(
    engine: Any, client: Client, redis: Redis
) -> None:
    """Under ``CSRF_USE_SESSIONS`` Django starts a session for each page with a CSRF token."""
    engine.CSRF_USE_SESSIONS = True
    client.get("/")
    assert lives(client, redis) == AGE_S
