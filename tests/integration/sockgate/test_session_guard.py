"""The session view, and the tag of the guard in a page."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import Client
from django.urls import include, path
from django.utils import timezone, translation
from redis import Redis
from sockgate_gateway.wire.names import sid_of

from tests.integration.sockgate.conftest import NAMES

pytestmark = [
    pytest.mark.integration,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("own_urls"),
]

ADDRESS = "/realtime/session/"
ENGINES = ("redis", "db", "cached_db")
TAG = "{% load sockgate %}{% sockgate_session_guard %}"


def page(request: HttpRequest) -> HttpResponse:
    tag = request.GET.get("tag", "sockgate_session_guard")
    if "age" in request.GET:
        request.session.set_expiry(int(request.GET["age"]))
    template = Template(f"{{% load sockgate %}}{{% {tag} %}}")
    return HttpResponse(template.render(Context({"request": request})))


urlpatterns = [
    path("", page),
    path("enter/", page, name="enter"),
    path("realtime/", include("sockgate.urls")),
]


def note_activity(get_response: Any) -> Any:
    """Do as middlewares of sites that end idle logins."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.session["last_activity"] = request.path
        return get_response(request)  # type: ignore[no-any-return]

    return middleware


@pytest.fixture(params=ENGINES)
def engine(request: Any, settings: Any) -> str:
    settings.SESSION_ENGINE = f"sockgate.sessions.{request.param}"
    return str(request.param)


def shorten(client: Client, seconds: int, engine: str, redis: Redis) -> None:
    """Let the stored session end sooner, as after a while without requests."""
    key = client.session.session_key
    if engine == "redis":
        redis.expire(NAMES.session(sid_of(key)), seconds)
        return
    session = client.session
    session.model.objects.update(expire_date=timezone.now() + timedelta(seconds=seconds))


def config_of(html: str) -> dict[str, Any]:
    found = re.search(
        r'<script type="application/json" data-sockgate="guard"[^>]*>(.*)</script>\n', html
    )
    assert found is not None
    config = json.loads(found[1])
    assert isinstance(config, dict)
    return config


def test_get_answers_with_the_rest_of_the_login(engine: str, login: Client, redis: Redis) -> None:
    shorten(login, 500, engine, redis)
    answer = login.get(ADDRESS)
    fields = answer.json()
    assert fields == {
        "user": str(User.objects.get().pk),
        "expires_in": fields["expires_in"],
        "extends_to": 1209600,
    }
    assert 490 <= fields["expires_in"] <= 500
    assert "no-store" in answer["Cache-Control"]
    assert "Cookie" in answer["Vary"]


def test_get_never_extends_the_session(
    engine: str, login: Client, redis: Redis, settings: Any
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.note_activity"]
    shorten(login, 500, engine, redis)
    for _ in range(2):
        answer = login.get(ADDRESS)
        assert answer.json()["expires_in"] <= 500
        assert answer.cookies == {}
    assert "last_activity" not in login.session


def test_post_extends_the_session_and_its_cookie(engine: str, login: Client, redis: Redis) -> None:
    shorten(login, 500, engine, redis)
    answer = login.post(ADDRESS)
    assert answer.json()["expires_in"] == 1209600
    assert answer.cookies["sessionid"]["max-age"] == 1209600
    assert login.get(ADDRESS).json()["expires_in"] >= 1209590


def test_post_needs_the_csrf_token(login: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = login.cookies
    assert strict.post(ADDRESS).status_code == 403
    config = config_of(strict.get("/").content.decode())
    headers = {config["csrfHeaderName"]: config["csrfToken"]}
    assert strict.post(config["sessionUrl"], headers=headers).status_code == 200


def test_login_that_ends_at_a_date_is_not_extended(engine: str, login: Client) -> None:
    session = login.session
    session.set_expiry(timezone.now() + timedelta(seconds=300))
    session.save()
    assert login.post(ADDRESS).json()["expires_in"] <= 300
    fields = login.get(ADDRESS).json()
    assert fields["expires_in"] <= 300
    assert fields["extends_to"] is None


def test_session_until_the_browser_closes_ends_on_the_server(engine: str, login: Client) -> None:
    session = login.session
    session.set_expiry(0)
    session.save()
    assert login.get(ADDRESS).json()["expires_in"] >= 1209590


@pytest.mark.parametrize("method", ["get", "post"])
def test_view_refuses_visitors_and_starts_no_session(client: Client, method: str) -> None:
    answer = getattr(client, method)(ADDRESS)
    assert (answer.status_code, answer.json()) == (401, {"error": "login_required"})
    assert answer.cookies == {}


@pytest.mark.parametrize("method", ["get", "post"])
def test_view_refuses_a_session_that_has_ended(engine: str, login: Client, method: str) -> None:
    login.session.delete()
    assert getattr(login, method)(ADDRESS).status_code == 401


def test_view_refuses_a_deactivated_user(login: Client) -> None:
    User.objects.update(is_active=False)
    assert login.get(ADDRESS).status_code == 401


def test_view_refuses_other_methods(login: Client) -> None:
    assert login.put(ADDRESS).status_code == 405


def test_view_answers_503_while_redis_is_away(login: Client, settings: Any) -> None:
    settings.SESSION_ENGINE = "sockgate.sessions.db"
    login.force_login(User.objects.get())
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": "unix:///nowhere/redis.sock"}
    assert login.get(ADDRESS).status_code == 503


def test_view_leaves_a_pending_change_alone(login: Client) -> None:
    user = User.objects.get()
    user.set_password("new")
    user.save()
    key = login.session.session_key
    assert login.get(ADDRESS).status_code == 503
    assert login.session.session_key == key


def test_tag_describes_the_login(engine: str, login: Client, redis: Redis) -> None:
    shorten(login, 500, engine, redis)
    html = login.get("/").content.decode()
    config = config_of(html)
    assert config["user"] == str(User.objects.get().pk)
    assert 490 <= config["expiresIn"] <= 500
    assert config["extendsTo"] == 1209600
    assert config["sessionUrl"] == ADDRESS
    assert (config["warn"], config["dialog"], config["cover"]) == (120, True, True)
    assert html.endswith('<script src="/static/sockgate/sockgate-guard.js"></script>')


def test_tag_describes_the_login_as_this_request_saves_it(
    engine: str, login: Client, redis: Redis, settings: Any
) -> None:
    shorten(login, 500, engine, redis)
    settings.SESSION_SAVE_EVERY_REQUEST = True
    assert config_of(login.get("/").content.decode())["expiresIn"] == 1209600
    settings.SESSION_SAVE_EVERY_REQUEST = False
    assert config_of(login.get("/", {"age": "900"}).content.decode())["expiresIn"] == 900


def test_tag_takes_options(login: Client) -> None:
    given = {"tag": "sockgate_session_guard warn=30 dialog=False cover=False"}
    config = config_of(login.get("/", given).content.decode())
    assert (config["warn"], config["dialog"], config["cover"]) == (30, False, False)


@pytest.mark.parametrize("warn", ["0", "-1", "'soon'", "True"])
def test_tag_rejects_a_warning_that_is_no_time(login: Client, warn: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="warn must be a number of seconds"):
        login.get("/", {"tag": f"sockgate_session_guard warn={warn}"})


def test_tag_leaves_a_visitors_page_alone(client: Client, settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "ANONYMOUS": True}
    answer = client.get("/")
    assert (answer.content, answer.cookies) == (b"", {})


def test_tag_leaves_the_page_of_a_deactivated_user_alone(login: Client) -> None:
    User.objects.update(is_active=False)
    assert login.get("/").content == b""


def test_tag_works_without_redis(login: Client, settings: Any) -> None:
    settings.SESSION_ENGINE = "sockgate.sessions.db"
    login.force_login(User.objects.get())
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": "unix:///nowhere/redis.sock"}
    config = config_of(login.get("/").content.decode())
    assert (config["expiresIn"], config["user"]) == (None, str(User.objects.get().pk))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/accounts/login/", None),
        ("enter", "/enter/"),
        ("/enter/?from=here", "/enter/?from=here"),
        ("no-such-name", None),
        ("https://id.example/login", "https://id.example/login"),
    ],
)
def test_tag_names_a_place_to_log_in(
    login: Client, settings: Any, url: str, expected: str | None
) -> None:
    settings.LOGIN_URL = url
    assert config_of(login.get("/").content.decode())["loginUrl"] == expected


def test_tag_has_the_language_of_the_page(login: Client, settings: Any) -> None:
    with translation.override("ar"):
        config = config_of(login.get("/").content.decode())
    assert config["dir"] in ("ltr", "rtl")
    settings.LANGUAGE_CODE = "ar"
    config = config_of(login.get("/").content.decode())
    assert (config["lang"], config["dir"]) == ("ar", "rtl")


def test_tag_without_a_request_says_what_is_missing() -> None:
    with pytest.raises(ImproperlyConfigured, match="sockgate_session_guard"):
        Template(TAG).render(Context({}))
