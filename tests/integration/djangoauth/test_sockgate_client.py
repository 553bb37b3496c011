"""The template tag, as a page shows it."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import Client, override_settings
from django.urls import include, path
from django.utils.functional import SimpleLazyObject

from gateway.wire.names import sid_of
from gateway.wire.tokens import TokenSigner

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TAG = "{% load sockgate %}{% sockgate_client %}"


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(Template(TAG).render(Context({"request": request})))


urlpatterns = [path("", page), path("realtime/", include("djangoauth.urls"))]


@pytest.fixture(autouse=True)
def _project(sockgate: Any, transactional_db: None) -> Any:
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def login(client: Client) -> Client:
    client.force_login(User.objects.create_user("alice"))
    return client


def config_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script id="sockgate-config" type="application/json">(.*)</script>', html)
    assert found is not None
    config = json.loads(found[1])
    assert isinstance(config, dict)
    return config


def test_sockgate_client_carries_a_first_token(login: Client, settings: Any) -> None:
    config = config_of(login.get("/").content.decode())
    token = TokenSigner(settings.SOCKGATE["SIGNING_KEYS"]).read(config["token"], 60)
    assert token.sid == sid_of(login.session.session_key)
    assert config["expiresIn"] == 3600
    assert config["url"] == "http://127.0.0.1:8001/realtime"


def test_sockgate_client_tells_how_to_fetch_a_fresh_token(login: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = login.cookies
    config = config_of(strict.get("/").content.decode())
    assert config["csrfCookieName"] == "csrftoken"
    headers = {config["csrfHeaderName"]: config["csrfToken"]}
    assert strict.post(config["tokenUrl"], headers=headers).status_code == 200
    asked = strict.post(config["grantUrl"], {"channel": "room:7"}, headers=headers)
    assert asked.json() == {"error": "not_allowed"}


@pytest.mark.parametrize("hidden", ["CSRF_USE_SESSIONS", "CSRF_COOKIE_HTTPONLY"])
def test_sockgate_client_names_no_cookie_that_scripts_cannot_read(
    login: Client, settings: Any, hidden: str
) -> None:
    setattr(settings, hidden, True)
    config = config_of(login.get("/").content.decode())
    assert config["csrfCookieName"] is None
    assert config["csrfToken"]


def test_sockgate_client_executes_nothing_inline(login: Client) -> None:
    html = login.get("/").content.decode()
    tags = re.findall(r"<script[^>]*>", html)
    assert tags == [
        '<script id="sockgate-config" type="application/json">',
        '<script src="/static/djangoauth/sockgate.js">',
    ]


class LazyNonce(SimpleLazyObject):
    """As Django 6 has it: false until it is used."""

    def __init__(self) -> None:
        super().__init__(lambda: "abc")

    def __bool__(self) -> bool:
        return False


@pytest.mark.parametrize("where", ["request", "context"])
def test_sockgate_client_carries_the_nonce(rf: Any, where: str) -> None:
    request = rf.get("/")
    request.session, request.user = {}, type("Stranger", (), {"is_authenticated": False})()
    context = Context({"request": request})
    if where == "request":
        request.csp_nonce = LazyNonce()
    else:
        context["csp_nonce"] = LazyNonce()
    html = Template(TAG).render(context)
    assert '<script src="/static/djangoauth/sockgate.js" nonce="abc">' in html


def test_sockgate_client_escapes_what_would_end_the_block(login: Client, settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "GATEWAY_URL": "/</script><script>alert(1)//"}
    html = login.get("/").content.decode()
    assert "alert(1)</script>" not in html
    assert html.count("<script") == 2
    assert config_of(html)["url"] == "/</script><script>alert(1)//"


def test_sockgate_client_passes_the_transports_on(login: Client, settings: Any) -> None:
    assert config_of(login.get("/").content.decode())["transports"] is None
    settings.SOCKGATE = {**settings.SOCKGATE, "TRANSPORTS": ["websocket", "xhr-polling"]}
    config = config_of(login.get("/").content.decode())
    assert config["transports"] == ["websocket", "xhr-polling"]


def test_sockgate_client_gives_a_stranger_no_token(client: Client) -> None:
    answer = client.get("/")
    config = config_of(answer.content.decode())
    assert config["token"] is None
    assert config["expiresIn"] is None
    assert "sessionid" not in answer.cookies


def test_sockgate_client_gives_a_stranger_a_token_when_allowed(
    client: Client, settings: Any
) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "ANONYMOUS": True}
    answer = client.get("/")
    config = config_of(answer.content.decode())
    token = TokenSigner(settings.SOCKGATE["SIGNING_KEYS"]).read(config["token"], 60)
    assert token.uid is None
    assert token.sid == sid_of(answer.cookies["sessionid"].value)


@pytest.mark.parametrize("who", ["client", "login"])
def test_sockgate_client_makes_the_page_vary_by_cookie(request: Any, who: str) -> None:
    assert "Cookie" in request.getfixturevalue(who).get("/")["Vary"]


def test_sockgate_client_leaves_the_page_when_redis_is_away(
    login: Client, settings: Any, caplog: Any
) -> None:
    settings.SESSION_ENGINE = "djangoauth.sessions.db"
    login.force_login(User.objects.get())
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": "unix:///nowhere/redis.sock"}
    assert config_of(login.get("/").content.decode())["token"] is None
    assert "without its first token" in caplog.text


def test_sockgate_client_needs_the_request() -> None:
    with pytest.raises(ImproperlyConfigured, match="context processor"):
        Template(TAG).render(Context())
