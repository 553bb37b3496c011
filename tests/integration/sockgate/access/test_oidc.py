"""Back-channel logout of OpenID Connect, against a small provider of our own keys."""

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from time import monotonic, time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import Client, RequestFactory, override_settings
from django.urls import clear_url_caches, include, path
from redis import Redis
from sockgate import broadcast
from sockgate.access.oidc import back_channel_logout, remember_oidc_session, views
from sockgate.access.oidc import keys as provider_keys

from tests.integration.sockgate.access.oidc_provider import (
    CLIENT_ID,
    EVENT,
    ISSUER,
    Provider,
    SigningKey,
    running_provider,
)
from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

ADDRESS = "/logged-out/"
ENGINES = ("redis", "db", "cached_db")


def page(request: HttpRequest) -> HttpResponse:
    tag = Template("{% load sockgate %}{% sockgate_client %}")
    return HttpResponse(tag.render(Context({"request": request})))


urlpatterns = [
    path("", page),
    path("logged-out/", back_channel_logout),
    path("realtime/", include("sockgate.urls")),
]


def user_named(sub: str) -> User | None:
    return User.objects.filter(username=sub.removeprefix("sub-of-")).first()


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(server: Provider, sockgate: Any, transactional_db: None) -> Iterator[Provider]:
    server.key = SigningKey("RS256", "one")
    server.keys, server.requests, server.status = [server.key], 0, 200
    provider_keys.source_at.cache_clear()
    configure(sockgate, JWKS_URL=server.url)
    with override_settings(ROOT_URLCONF=__name__):
        yield server


def configure(settings: Any, **options: Any) -> None:
    oidc = {"ISSUER": ISSUER, "CLIENT_ID": CLIENT_ID, **options}
    settings.SOCKGATE = {**settings.SOCKGATE, "OIDC": oidc}


def log_in(name: str, sid: str | None = "provider-session", sub: str | None = None) -> Client:
    """Log in a browser, as the site does after the provider's answer."""
    user, _ = User.objects.get_or_create(username=name)
    browser = Client()
    browser.force_login(user)
    request = RequestFactory().get("/")
    request.session, request.user = browser.session, user
    remember_oidc_session(request, sid, sub)
    request.session.save()
    return browser


def is_logged_in(browser: Client) -> bool:
    return browser.post("/realtime/token/").status_code == 200


def send(token: str, client: Client | None = None) -> Any:
    strict = client or Client(enforce_csrf_checks=True)
    form = "application/x-www-form-urlencoded"
    return strict.post(ADDRESS, f"logout_token={token}", content_type=form)


@pytest.fixture(params=ENGINES)
def engine(request: Any, settings: Any) -> str:
    settings.SESSION_ENGINE = f"sockgate.sessions.{request.param}"
    return str(request.param)


def test_logout_by_sid_ends_that_session_alone(engine: str, provider: Provider) -> None:
    one, other, bob = log_in("alice"), log_in("alice", "another"), log_in("bob", "bobs")
    answer = send(provider.token())
    assert (answer.status_code, answer.content) == (200, b"")
    assert "no-store" in answer["Cache-Control"]
    assert [is_logged_in(browser) for browser in (one, other, bob)] == [False, True, True]


def test_logout_by_sid_ends_every_session_that_it_made(engine: str, provider: Provider) -> None:
    browsers = [log_in("alice") for _ in range(3)]
    send(provider.token())
    assert not any(map(is_logged_in, browsers))


def test_logout_finds_a_session_whose_key_has_changed(engine: str, provider: Provider) -> None:
    browser = log_in("alice")
    session = browser.session
    session.cycle_key()
    session.save()
    browser.cookies["sessionid"] = session.session_key
    assert is_logged_in(browser)
    send(provider.token())
    assert not is_logged_in(browser)


def test_logout_by_sub_ends_all_sessions_of_the_user(engine: str, provider: Provider) -> None:
    one, other = log_in("alice", "a", "sub-of-alice"), log_in("alice", None, "sub-of-alice")
    bob = log_in("bob", "b", "sub-of-bob")
    assert send(provider.token(sid=None, sub="sub-of-alice")).status_code == 200
    assert [is_logged_in(browser) for browser in (one, other, bob)] == [False, False, True]


@pytest.mark.parametrize("user_for", [user_named, f"{__name__}.user_named"])
def test_user_for_finds_the_user_of_a_sub(provider: Provider, settings: Any, user_for: Any) -> None:
    configure(settings, JWKS_URL=provider.url, USER_FOR=user_for)
    browser = log_in("alice")
    assert send(provider.token(sid=None, sub="sub-of-nobody")).status_code == 200
    assert is_logged_in(browser)
    send(provider.token(sid=None, sub="sub-of-alice"))
    assert not is_logged_in(browser)


def test_logout_ends_a_session_that_moves_meanwhile(provider: Provider, monkeypatch: Any) -> None:
    from sockgate.sessions import redis as engine

    browser, listed = log_in("alice"), engine.listed

    def listed_before_the_move(uid: str) -> list[str]:
        found = listed(uid)
        monkeypatch.setattr(engine, "listed", listed)
        session = browser.session
        session.cycle_key()
        browser.cookies["sessionid"] = session.session_key
        return found

    monkeypatch.setattr(engine, "listed", listed_before_the_move)
    send(provider.token())
    assert not is_logged_in(browser)


@pytest.mark.parametrize("when", ["before", "after"])
def test_login_that_is_still_being_made_ends_with_the_logout(
    engine: str, provider: Provider, when: str
) -> None:
    """The provider ends the session just before, or just after, the site remembers it."""
    user, browser = User.objects.create_user("alice"), Client()

    def callback(request: HttpRequest) -> HttpResponse:
        login(request, user)
        with transaction.atomic():
            if when == "before":
                assert send(provider.token()).status_code == 200
            remember_oidc_session(request, "provider-session")
        if when == "after":
            assert send(provider.token()).status_code == 200
        return HttpResponse()

    urlpatterns.append(path("callback/", callback))
    clear_url_caches()
    try:
        answer = browser.get("/callback/")
    finally:
        urlpatterns.pop()
        clear_url_caches()
    assert answer.status_code in {200, 400}
    assert not is_logged_in(browser)


def test_unknown_session_is_a_success_with_a_hint_in_the_log(
    provider: Provider, caplog: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(views, "_strangers", views.Reminder())
    for _ in range(3):
        assert send(provider.token(sid="unknown")).status_code == 200
    assert caplog.text.count("remember_oidc_session") == 1


def test_engine_of_the_site_that_finds_no_session_loses_all(
    provider: Provider, monkeypatch: Any
) -> None:
    from sockgate.sessions.redis import SessionStore

    def end_logins_with(*_: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr(SessionStore, "end_logins_with", end_logins_with)
    one, other = log_in("alice"), log_in("alice", "another")
    send(provider.token())
    assert [is_logged_in(browser) for browser in (one, other)] == [False, False]


def test_redis_holds_nothing_from_which_a_cookie_could_be_made(
    provider: Provider, redis: Redis
) -> None:
    browser = log_in("alice", "sid-of-provider", "sub-of-alice")
    send(provider.token())
    names = [key for key in redis.scan_iter() if b":oidc:" in key]
    assert len(names) == 4
    dump = b"".join(names + [redis.get(name) or b"" for name in names])
    key = browser.session.session_key.encode()
    assert not any(secret in dump for secret in (key, b"sid-of-provider", b"sub-of-alice"))
    assert all(0 < redis.ttl(name) <= 31 * 24 * 3600 for name in names)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_rotated_key_is_read_once(provider: Provider, algorithm: str, monkeypatch: Any) -> None:
    now = [monotonic()]
    source = provider_keys.KeySource(provider.url, clock=lambda: now[0])
    monkeypatch.setattr("sockgate.access.oidc.tokens.source_at", lambda _: source)
    assert send(provider.token()).status_code == 200
    former = provider.key
    provider.rotate(algorithm, "two", keep=False)
    assert send(provider.token()).status_code == 400  # The last request was a moment ago.
    assert provider.requests == 1
    now[0] += provider_keys.COOLDOWN_S
    assert send(provider.token()).status_code == 200
    assert provider.requests == 2
    provider.key = former
    assert send(provider.token()).status_code == 400
    assert provider.requests == 2


def test_unknown_keys_cause_few_requests(provider: Provider) -> None:
    provider.key = SigningKey("RS256", "of an attacker")
    for _ in range(20):
        assert send(provider.token()).status_code == 400
    assert provider.requests == 1


def test_former_keys_stay_while_the_provider_is_away(provider: Provider, monkeypatch: Any) -> None:
    now = [monotonic()]
    source = provider_keys.KeySource(provider.url, clock=lambda: now[0])
    monkeypatch.setattr("sockgate.access.oidc.tokens.source_at", lambda _: source)
    assert send(provider.token()).status_code == 200
    provider.status = 500
    now[0] += provider_keys.LIFETIME_S
    assert send(provider.token()).status_code == 200
    now[0] += provider_keys.STALE_S
    assert send(provider.token()).json()["error"] == "temporarily_unavailable"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_provider_without_keys_is_a_failure(provider: Provider, status: int) -> None:
    provider.status = status
    answer = send(provider.token())
    assert (answer.status_code, answer.json()["error"]) == (400, "temporarily_unavailable")


def test_keys_may_be_given_in_the_settings(provider: Provider, settings: Any) -> None:
    key = provider.rotate("ES256", "two")
    configure(settings, KEYS={"keys": [key.jwk]})
    browser = log_in("alice")
    assert send(provider.token()).status_code == 200
    assert not is_logged_in(browser)
    assert provider.requests == 0


def test_token_without_the_name_of_its_key_is_tried_with_all(provider: Provider) -> None:
    provider.rotate("RS256", "two")
    assert send(provider.token(header={"kid": None})).status_code == 200


def changed_header(token: str, **changes: Any) -> str:
    header, rest = token.split(".", 1)
    fields = {**json.loads(base64.urlsafe_b64decode(header + "==")), **changes}
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode() + "." + rest


def unsigned(provider: Provider) -> str:
    return jwt.encode(provider.claims(), None, "none", headers={"kid": "one"})  # type: ignore[arg-type]


def signed_with_the_public_key(provider: Provider) -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    public = provider.key.private.public_key().public_bytes(serialization.Encoding.PEM, kind)
    head = changed_header(provider.token(), alg="HS256").rpartition(".")[0]
    mac = hmac.new(public, head.encode(), "sha256").digest()
    return head + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def signed_by_another(provider: Provider) -> str:
    key = SigningKey("RS256", "one")
    return jwt.encode(provider.claims(), key.private, "RS256", headers={"kid": "one"})


NOW = int(time())
DEEP = "[" * 3000
REFUSED: dict[str, Callable[[Provider], str]] = {
    "empty": lambda _: "",
    "no token": lambda _: "abc",
    "three dots": lambda _: "...",
    "too long": lambda p: p.token(other="x" * 20_000),
    "unsigned": unsigned,
    "a shared secret": signed_with_the_public_key,
    "another's signature": signed_by_another,
    "a changed signature": lambda p: p.token()[:-8] + "AAAAAAAA",
    "another algorithm": lambda p: changed_header(p.token(), alg="RS512"),
    "critical extensions": lambda p: p.token(header={"crit": ["b64"], "b64": False}),
    "an access token": lambda p: p.token(header={"typ": "at+jwt"}),
    "a kid that is no text": lambda p: changed_header(p.token(), kid=7),
    "another issuer": lambda p: p.token(iss="https://evil.example"),
    "an issuer that begins alike": lambda p: p.token(iss=ISSUER[:-2]),
    "no issuer": lambda p: p.token(iss=None),
    "another audience": lambda p: p.token(aud="another-site"),
    "no audience": lambda p: p.token(aud=None),
    "no iat": lambda p: p.token(iat=None),
    "iat as a text": lambda p: p.token(iat="soon"),
    "iat long ago": lambda p: p.token(iat=NOW - 3600),
    "iat ahead": lambda p: p.token(iat=NOW + 100_000),
    "expired": lambda p: p.token(exp=NOW - 3600),
    "no events": lambda p: p.token(events=None),
    "events as a list": lambda p: p.token(events=[EVENT]),
    "another event": lambda p: p.token(events={"http://example/event": {}}),
    "an event that is no object": lambda p: p.token(events={EVENT: True}),
    "a nonce": lambda p: p.token(nonce="abc"),
    "an empty nonce": lambda p: p.token(nonce=""),
    "no jti": lambda p: p.token(jti=None),
    "jti as a number": lambda p: p.token(jti=7),
    "neither sub nor sid": lambda p: p.token(sid=None),
    "sid as a list": lambda p: p.token(sid=["provider-session"]),
    "a long sub": lambda p: p.token(sub="x" * 256),
}


@pytest.mark.parametrize("token_of", REFUSED.values(), ids=REFUSED)
def test_bad_token_is_refused_and_ends_nothing(
    provider: Provider, token_of: Callable[[Provider], str]
) -> None:
    browser = log_in("alice")
    answer = send(token_of(provider))
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert "no-store" in answer["Cache-Control"]
    assert is_logged_in(browser)


@pytest.mark.parametrize("audience", [[CLIENT_ID], ["another", CLIENT_ID]])
def test_audience_may_be_a_list(provider: Provider, audience: list[str]) -> None:
    assert send(provider.token(aud=audience)).status_code == 200


@pytest.mark.parametrize("header", [{"typ": None}, {"typ": "JWT"}, {"typ": "Logout+JWT"}])
def test_types_of_older_providers_are_accepted(provider: Provider, header: Any) -> None:
    assert send(provider.token(header=header)).status_code == 200


def test_token_is_used_once(provider: Provider, redis: Redis) -> None:
    token = provider.token()
    assert send(token).status_code == 200
    redis.delete(*redis.scan_iter("sockgate:oidc:ended:*"))  # It would expire by itself.
    browser = log_in("alice")
    assert send(token).status_code == 400
    assert is_logged_in(browser)


def test_failed_logout_can_be_repeated(provider: Provider, settings: Any, monkeypatch: Any) -> None:
    from redis.exceptions import ConnectionError as Down
    from sockgate.access.oidc import logins

    browser, token = log_in("alice"), provider.token()
    with monkeypatch.context() as patch:

        def fail(*_: Any) -> bool:
            raise Down("away")

        patch.setattr(logins, "end_logins", fail)
        assert send(token).json()["error"] == "temporarily_unavailable"
    assert is_logged_in(browser)
    assert send(token).status_code == 200
    assert not is_logged_in(browser)


def test_failed_logout_can_be_repeated_when_redis_has_failed_with_it(
    provider: Provider, redis: Redis, monkeypatch: Any
) -> None:
    from redis.exceptions import ConnectionError as Down
    from sockgate.access.oidc import logins

    browser, token = log_in("alice"), provider.token()
    with monkeypatch.context() as patch:

        def fail(*_: Any) -> None:
            raise Down("away")

        patch.setattr(logins, "end_logins", fail)
        patch.setattr(logins, "release", fail)
        assert send(token).json()["error"] == "temporarily_unavailable"
    (key,) = redis.scan_iter("sockgate:oidc:jti:*")
    assert redis.ttl(key) <= logins.CLAIM_TTL_S < views.REPLAY_WINDOW_S / 5
    redis.delete(key)  # It would expire by itself.
    assert send(token).status_code == 200
    assert not is_logged_in(browser)
    assert redis.ttl(key) > logins.CLAIM_TTL_S


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("", "application/x-www-form-urlencoded"),
        ("logout_token=a&logout_token=b", "application/x-www-form-urlencoded"),
        ("logout_token=" + "a" * 70_000, "application/x-www-form-urlencoded"),
        ('{"logout_token": "a"}', "application/json"),
        (DEEP, "application/json"),
        ("x", "multipart/form-data; boundary=b"),
    ],
)
def test_bad_body_is_refused(provider: Provider, body: str, kind: str) -> None:
    answer = Client().post(ADDRESS, body, content_type=kind)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert provider.requests == 0


def test_view_takes_only_posts(provider: Provider) -> None:
    assert Client().get(ADDRESS).status_code == 405


def test_refusals_are_logged_once_a_minute_without_the_token(
    provider: Provider, caplog: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(views, "_refusals", views.Reminder())
    token = provider.token(aud="another-site")
    for _ in range(5):
        send(token)
    assert caplog.text.count("was refused") == 1
    assert not any(part in caplog.text for part in [token, *token.split(".")])


def test_remember_needs_a_login_and_settings(provider: Provider, settings: Any) -> None:
    request = RequestFactory().get("/")
    browser = log_in("alice")
    request.session, request.user = browser.session, User.objects.get()
    with pytest.raises(ValueError, match="sid must be a text"):
        remember_oidc_session(request, "")
    with pytest.raises(ValueError, match="sub must be a text"):
        remember_oidc_session(request, None, "x" * 256)
    settings.SOCKGATE = {**settings.SOCKGATE, "OIDC": None}
    with pytest.raises(ImproperlyConfigured, match="OIDC"):
        remember_oidc_session(request, "sid")
    from django.contrib.auth.models import AnonymousUser

    request.user = AnonymousUser()
    with pytest.raises(ValueError, match="needs a login"):
        remember_oidc_session(request, "sid")


def test_logout_closes_the_connection(provider: Provider, realtime: Any, settings: Any) -> None:
    configure(settings, JWKS_URL=provider.url)
    browser, other = log_in("alice"), log_in("bob", "bobs")
    tab, others = realtime.tab(client=browser), realtime.tab(client=other)
    assert send(provider.token()).status_code == 200
    tab.assert_closed(4500, within=PATIENCE_S)
    broadcast("all")
    others.assert_receives("all", channel="broadcast", within=PATIENCE_S)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ISSUER": ""}, "lacks ISSUER"),
        ({"JWKS_URL": "http://id.example/keys"}, "not https"),
        ({"JWKS_URL": "file:///etc/passwd"}, "not https"),
        ({"JWKS_URL": "https://user:word@id.example/keys"}, "has a login"),
        ({"JWKS_URL": "https://id.example:word/keys"}, "JWKS_URL"),
        ({"JWKS_URL": "https://id.example/a b"}, "JWKS_URL"),
        ({"JWKS_URL": "https://id.example/keys", "KEYS": {"keys": []}}, None),
        ({}, "either JWKS_URL or KEYS"),
        ({"KEYS": {"keys": ["text"]}}, "no key set"),
        ({"JWKS_URL": "https://id.example/keys", "ALGORITHMS": ["HS256"]}, "ALGORITHMS other"),
        ({"JWKS_URL": "https://id.example/keys", "ALGORITHMS": ["none"]}, "ALGORITHMS other"),
        ({"JWKS_URL": "https://id.example/keys", "ALGORITHMS": []}, "ALGORITHMS other"),
        ({"JWKS_URL": "https://id.example/keys", "USER_FOR": 7}, "USER_FOR"),
        ({"JWKS_URL": "https://id.example/keys", "JWKS_URI": "x"}, "unknown keys JWKS_URI"),
    ],
)
def test_check_names_what_is_wrong(settings: Any, options: Any, message: str | None) -> None:
    configure(settings, **options)
    found = [problem for problem in run_checks(tags=["sockgate"]) if problem.id == "sockgate.E002"]
    if message is None:
        assert found == [] or "either" in found[0].msg
    else:
        assert [message in problem.msg for problem in found] == [True]


def test_check_reports_a_user_for_that_cannot_be_imported(settings: Any) -> None:
    configure(settings, JWKS_URL="https://id.example/keys", USER_FOR="nowhere.user_for")
    found = [problem for problem in run_checks(tags=["sockgate"]) if problem.id == "sockgate.E022"]
    assert len(found) == 1


def test_names_of_tenants_differ(provider: Provider, settings: Any, redis: Redis) -> None:
    from sockgate import use_tenant

    settings.SOCKGATE = {**settings.SOCKGATE, "TENANT": lambda: "acme"}
    browser = log_in("alice")
    with use_tenant("other"):
        from sockgate.access.oidc.logins import end_logins

        assert end_logins("provider-session", None) is False
    assert is_logged_in(browser)
    send(provider.token())
    assert not is_logged_in(browser)
    assert redis.keys("sockgate:oidc:sid:*")
