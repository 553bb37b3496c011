"""The template tag in a page."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import Client
from django.urls import include, path
from django.utils.functional import SimpleLazyObject
from sockgate_gateway.wire.errors import ChannelNameError
from sockgate_gateway.wire.names import sid_of
from sockgate_gateway.wire.tokens import GrantSigner, TokenSigner

pytestmark = [
    pytest.mark.integration,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("own_urls"),
]

TAG = "{% load sockgate %}{% sockgate_client %}"


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(Template(TAG).render(Context({"request": request})))


def rooms(request: HttpRequest) -> HttpResponse:
    tag = Template("{% load sockgate %}{% sockgate_client channels=names %}")
    names = request.GET["names"]
    context = {"request": request, "names": names.split("+") if "+" in names else names}
    return HttpResponse(tag.render(Context(context)))


def allow_even(request: HttpRequest, channel: str) -> bool:
    return int(channel.partition(":")[2]) % 2 == 0


def shared(request: HttpRequest) -> HttpResponse:
    tag = Template("{% load sockgate %}{% sockgate_client shared=True %}")
    return HttpResponse(tag.render(Context({"request": request})))


urlpatterns = [
    path("", page),
    path("rooms/", rooms),
    path("shared/", shared),
    path("realtime/", include("sockgate.urls")),
]


def config_of(html: str) -> dict[str, Any]:
    found = re.search(
        r'<script type="application/json" data-sockgate="client"[^>]*>(.*)</script>', html
    )
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


def test_sockgate_client_shares_a_connection_on_request(login: Client) -> None:
    config, alone = (config_of(login.get(path).content.decode()) for path in ("/shared/", "/"))
    assert config["shared"] is True
    assert "shared" not in alone
    url = config["sharedUrl"]
    assert url == alone["sharedUrl"] == "/static/sockgate/sockgate-shared.js"
    preload = f'<link rel="preload" as="script" href="{url}">'
    assert preload in login.get("/shared/").content.decode()
    assert "preload" not in login.get("/").content.decode()


def test_sockgate_client_names_the_token_view(login: Client) -> None:
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


def test_sockgate_client_has_no_inline_script(login: Client) -> None:
    html = login.get("/").content.decode()
    tags = re.findall(r"<script[^>]*>", html)
    assert tags == [
        '<script type="application/json" data-sockgate="client">',
        '<script src="/static/sockgate/sockgate.js">',
        '<script src="/static/sockgate/sockgate-full.js" nomodule>',
    ]


@pytest.mark.parametrize("nonce", ["", ' nonce="abc"'])
def test_sockgate_client_adds_the_badge_in_debug_only(rf: Any, settings: Any, nonce: str) -> None:
    request = rf.get("/")
    request.session, request.user = {}, type("Visitor", (), {"is_authenticated": False})()
    request.csp_nonce = "abc" if nonce else None
    badge = f'<script src="/static/sockgate/badge.js"{nonce}></script>'
    assert "badge" not in Template(TAG).render(Context({"request": request}))
    settings.DEBUG = True
    assert Template(TAG).render(Context({"request": request})).endswith(badge)


class LazyNonce(SimpleLazyObject):
    """As Django 6 has it: false until it is used."""

    def __init__(self) -> None:
        super().__init__(lambda: "abc")

    def __bool__(self) -> bool:
        return False


@pytest.mark.parametrize("where", ["request", "context"])
def test_sockgate_client_carries_the_nonce(rf: Any, where: str) -> None:
    request = rf.get("/")
    request.session, request.user = {}, type("Anonymous", (), {"is_authenticated": False})()
    context = Context({"request": request})
    if where == "request":
        request.csp_nonce = LazyNonce()
    else:
        context["csp_nonce"] = LazyNonce()
    html = Template(TAG).render(context)
    assert '<script src="/static/sockgate/sockgate.js" nonce="abc">' in html
    assert '<script src="/static/sockgate/sockgate-full.js" nonce="abc" nomodule>' in html


def test_sockgate_client_escapes_what_would_end_the_block(login: Client, settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "GATEWAY_URL": "/</script><script>alert(1)//"}
    html = login.get("/").content.decode()
    assert "alert(1)</script>" not in html
    assert html.count("<script") == 3
    assert config_of(html)["url"] == "/</script><script>alert(1)//"


@pytest.mark.parametrize(
    ("transports", "scripts"),
    [
        (None, ["sockgate.js", "sockgate-full.js"]),
        (["xhr-polling", "websocket"], ["sockgate.js", "sockgate-full.js"]),
        (["xhr-streaming", "xhr-polling"], ["sockgate-full.js"]),
    ],
)
def test_sockgate_client_loads_sockjs_at_once_where_it_is_always_needed(
    login: Client, settings: Any, transports: list[str] | None, scripts: list[str]
) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "TRANSPORTS": transports}
    html = login.get("/").content.decode()
    assert re.findall(r'<script src="/static/sockgate/([^"]*)"', html) == scripts
    # A browser that has only this script must not leave it out.
    assert ("nomodule" in html) == (len(scripts) == 2)
    assert config_of(html)["sockjsUrl"] == "/static/sockgate/sockgate-sockjs.js"


def test_sockgate_client_passes_the_transports_on(login: Client, settings: Any) -> None:
    assert config_of(login.get("/").content.decode())["transports"] is None
    settings.SOCKGATE = {**settings.SOCKGATE, "TRANSPORTS": ["websocket", "xhr-polling"]}
    config = config_of(login.get("/").content.decode())
    assert config["transports"] == ["websocket", "xhr-polling"]


@pytest.fixture
def even_rooms(settings: Any) -> None:
    namespaces = {"news": {"public": True}}
    changes = {"AUTHORIZE": allow_even, "NAMESPACES": namespaces}
    settings.SOCKGATE = {**settings.SOCKGATE, **changes}


@pytest.mark.usefixtures("even_rooms")
@pytest.mark.parametrize("separator", [" ", "+"])
def test_sockgate_client_carries_the_grants_that_authorize_allows(
    login: Client, settings: Any, separator: str
) -> None:
    names = separator.join(["room:6", "room:7", "room:8", "news:1", "broadcast"])
    config = config_of(login.get("/rooms/", {"names": names}).content.decode())
    assert list(config["grants"]) == ["room:6", "room:8", "news:1"]
    assert config["grants"]["news:1"] == {"grant": None, "expires_in": 3600}
    signer = GrantSigner(settings.SOCKGATE["SIGNING_KEYS"])
    for room in ("room:6", "room:8"):
        grant = signer.read(config["grants"][room]["grant"], 60)
        assert (grant.sid, grant.channel) == (sid_of(login.session.session_key), room)


@pytest.mark.usefixtures("even_rooms")
def test_sockgate_client_carries_no_grants_without_a_login(client: Client) -> None:
    answer = client.get("/rooms/", {"names": "room:8"})
    assert "grants" not in config_of(answer.content.decode())
    assert not answer.cookies


def test_sockgate_client_carries_no_grants_without_authorize(login: Client, settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "AUTHORIZE": None}
    config = config_of(login.get("/rooms/", {"names": "room:8"}).content.decode())
    assert "grants" not in config
    assert config["token"]


@pytest.mark.usefixtures("even_rooms")
def test_sockgate_client_refuses_what_is_no_channel_name(login: Client) -> None:
    with pytest.raises(ChannelNameError):
        login.get("/rooms/", {"names": "room:\0"})


@pytest.mark.parametrize("csrf_in_sessions", [False, True])
def test_sockgate_client_gives_a_visitor_no_token_and_no_cookie(
    client: Client, settings: Any, csrf_in_sessions: bool
) -> None:
    settings.CSRF_USE_SESSIONS = csrf_in_sessions
    answer = client.get("/")
    config = config_of(answer.content.decode())
    assert config["token"] is None
    assert config["expiresIn"] is None
    assert config["loginRequired"] is True
    assert "csrfToken" not in config
    assert not answer.cookies


def test_sockgate_client_connects_logins_and_admitted_visitors(
    login: Client, settings: Any
) -> None:
    assert "loginRequired" not in config_of(login.get("/").content.decode())
    settings.SOCKGATE = {**settings.SOCKGATE, "ANONYMOUS": True}
    assert "loginRequired" not in config_of(Client().get("/").content.decode())


def test_sockgate_client_gives_a_visitor_a_token_when_allowed(
    client: Client, settings: Any
) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "ANONYMOUS": True}
    client.post("/realtime/token/")
    config = config_of(client.get("/").content.decode())
    token = TokenSigner(settings.SOCKGATE["SIGNING_KEYS"]).read(config["token"], 60)
    assert token.uid is None
    assert token.sid == sid_of(client.cookies["sessionid"].value)


@pytest.mark.parametrize("client_fixture", ["client", "login"])
def test_sockgate_client_makes_the_page_vary_by_cookie(request: Any, client_fixture: str) -> None:
    assert "Cookie" in request.getfixturevalue(client_fixture).get("/")["Vary"]


def test_sockgate_client_renders_without_a_token_when_redis_is_down(
    login: Client, settings: Any, caplog: Any
) -> None:
    settings.SESSION_ENGINE = "sockgate.sessions.db"
    login.force_login(User.objects.get())
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": "unix:///nowhere/redis.sock"}
    config = config_of(login.get("/").content.decode())
    assert config["token"] is None
    assert "loginRequired" not in config
    assert "without its first token" in caplog.text


def test_sockgate_client_needs_the_request() -> None:
    with pytest.raises(ImproperlyConfigured, match="context processor"):
        Template(TAG).render(Context())
