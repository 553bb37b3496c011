import re
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import run_checks
from sockgate.channels.online import user_offline
from sockgate.checks import deploy, redis_server
from sockgate.checks import settings as checks
from sockgate_gateway import advisories

GOOD_KEY = "x" * 32


class MySessionMiddleware(SessionMiddleware):
    """A project's own middleware."""


def ids(**kwargs: Any) -> list[str]:
    """List the ids of all messages, sorted: Django keeps its checks in a set."""
    return sorted(str(message.id) for message in run_checks(tags=[checks.TAG], **kwargs))


def ids_of(check: Callable[..., Any]) -> list[str | None]:
    return [message.id for message in check()]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SOCKGATE_REDIS_URL", "SOCKGATE_SIGNING_KEYS", "SOCKGATE_ORIGINS"):
        monkeypatch.delenv(name, raising=False)


def test_checks_are_silent_for_a_good_project() -> None:
    assert ids() == []


def test_checks_report_unknown_keys(settings: Any) -> None:
    settings.SOCKGATE = {"SIGNING_KEY": GOOD_KEY}
    assert ids() == ["sockgate.E001"]


def test_checks_report_bad_values(settings: Any) -> None:
    settings.SOCKGATE = {"SIGNING_KEYS": GOOD_KEY, "GROUPS": 1}
    assert ids() == ["sockgate.E002", "sockgate.E002"]


def test_checks_report_anything_but_a_dict(settings: Any) -> None:
    settings.SOCKGATE = None
    assert ids() == ["sockgate.E002"]


def test_checks_report_missing_keys(no_test_run: None, settings: Any) -> None:
    settings.SOCKGATE = {}
    assert ids() == ["sockgate.E003"]


def test_checks_report_short_keys(settings: Any) -> None:
    settings.SOCKGATE = {"SIGNING_KEYS": [GOOD_KEY, "x" * 31]}
    assert ids() == ["sockgate.E004"]


def test_checks_never_quote_a_key(settings: Any) -> None:
    settings.SOCKGATE = {"SIGNING_KEYS": ["hunter2"]}
    assert "hunter2" not in str(run_checks(tags=[checks.TAG]))


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
def test_checks_report_djangos_key(settings: Any, name: str) -> None:
    setattr(settings, name, GOOD_KEY if name == "SECRET_KEY" else [GOOD_KEY])
    settings.SOCKGATE = {"SIGNING_KEYS": [GOOD_KEY]}
    assert ids() == ["sockgate.E005"]


@pytest.mark.parametrize(
    "engine", ["django.contrib.sessions.backends.db", "no.such.module", "sockgate.conf"]
)
def test_checks_report_foreign_engines(settings: Any, engine: str) -> None:
    settings.SESSION_ENGINE = engine
    assert ids() == ["sockgate.E006"]


@pytest.mark.parametrize("engine", ["redis", "db", "cached_db"])
def test_checks_accept_our_engines(settings: Any, engine: str) -> None:
    settings.SESSION_ENGINE = f"sockgate.sessions.{engine}"
    assert ids() == []


@pytest.mark.parametrize(
    ("middleware", "expected"),
    [("SessionMiddleware", "sockgate.E007"), ("AuthenticationMiddleware", "sockgate.E008")],
)
def test_checks_report_missing_middleware(settings: Any, middleware: str, expected: str) -> None:
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if middleware not in path]
    assert ids() == [expected]


def test_checks_accept_a_subclass_of_the_middleware(settings: Any) -> None:
    settings.MIDDLEWARE = [f"{__name__}.MySessionMiddleware", *settings.MIDDLEWARE[1:]]
    assert ids() == []
    settings.MIDDLEWARE = ["no.such.SessionMiddleware", *settings.MIDDLEWARE[1:]]
    assert ids() == ["sockgate.E007"]


def test_deploy_checks_report_keys_of_few_characters(settings: Any) -> None:
    settings.SOCKGATE = {"SIGNING_KEYS": [GOOD_KEY, "3q8Zr1xkV0bLw7TfNcY5mJd2sHgP9aEu"]}
    assert ids_of(deploy.check_keys_varied) == ["sockgate.W108"]


@pytest.mark.parametrize("name", ["SESSION_COOKIE_DOMAIN", "CSRF_COOKIE_DOMAIN"])
@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("example.org", ["sockgate.E104"]),
        ("ample.com", ["sockgate.E104"]),
        ("www.example.com", []),
        (".example.com", []),
        ("example.com", []),
        (None, []),
    ],
)
def test_deploy_checks_report_a_cookie_domain(
    settings: Any, name: str, domain: str | None, expected: list[str]
) -> None:
    settings.ALLOWED_HOSTS = ["www.example.com", ".shop.example.com"]
    setattr(settings, name, domain)
    assert ids_of(deploy.check_cookie_domain) == expected


@pytest.mark.parametrize(("tornado", "expected"), [("6.6.1", []), ("6.5.2", ["sockgate.W114"])])
def test_deploy_checks_report_a_vulnerable_installed_version(
    monkeypatch: pytest.MonkeyPatch, tornado: str, expected: list[str]
) -> None:
    installed = {"tornado": tornado}
    found = partial(advisories.known_holes, installed, installed.__getitem__)
    monkeypatch.setattr(advisories, "known_holes", found)
    assert ids_of(deploy.check_dependencies) == expected


@pytest.mark.parametrize(
    ("engine", "cache", "expected"),
    [
        ("cached_db", "locmem.LocMemCache", ["sockgate.W111"]),
        ("cached_db", "db.DatabaseCache", []),
        ("db", "locmem.LocMemCache", []),
    ],
)
def test_deploy_checks_report_sessions_in_a_cache_of_one_process(
    settings: Any, engine: str, cache: str, expected: list[str]
) -> None:
    settings.SESSION_ENGINE = f"sockgate.sessions.{engine}"
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{cache}"}}
    assert ids_of(deploy.check_session_cache) == expected


OF_DJANGO = "django.core.cache.backends.redis.RedisCache"
OF_DJANGO_REDIS = "django_redis.cache.RedisCache"


@pytest.mark.parametrize(
    ("backend", "location", "is_reported"),
    [
        (OF_DJANGO, "redis://10.0.0.5", True),
        (OF_DJANGO_REDIS, "redis://:other@10.0.0.5:6379/0", True),
        (OF_DJANGO, ["redis://10.0.0.6/0", "redis://10.0.0.5/0"], True),
        (OF_DJANGO, "redis://10.0.0.6/0,redis://10.0.0.5/0", True),
        (OF_DJANGO, "redis://10.0.0.5/1", False),
        (OF_DJANGO, "redis://10.0.0.5:6380/0", False),
        (OF_DJANGO, "no address", False),
        ("django.core.cache.backends.locmem.LocMemCache", "redis://10.0.0.5/0", False),
    ],
)
def test_deploy_checks_report_a_cache_in_the_database_of_the_logins(
    settings: Any, backend: str, location: str | list[str], is_reported: bool
) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": "redis://:secret@10.0.0.5:6379/0"}
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "shared": {"BACKEND": backend, "LOCATION": location},
    }
    assert ids_of(deploy.check_cache_of_redis) == ["sockgate.W124"] * is_reported


def test_checks_name_what_is_wrong_with_a_namespace(settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "NAMESPACES": {"room": {"historie": 1}}}
    assert ids() == ["sockgate.E002", "sockgate.E009"]


@pytest.mark.parametrize("more", [{"recover": False}, {"history": 0}])
def test_checks_report_a_state_without_a_history(settings: Any, more: dict[str, Any]) -> None:
    policies = {"room": {"public": True, "state": "latest", **more}}
    settings.SOCKGATE = {**settings.SOCKGATE, "NAMESPACES": policies}
    found = [problem.msg for problem in checks.check_namespaces()]
    assert len(found) == 1
    assert "Namespace 'room': 'state': 'latest' needs 'recover': true" in found[0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("no.such.module", ["sockgate.E010"]),
        ("sockgate.checks.settings.TAG", ["sockgate.E010"]),
        ("sockgate.checks.settings.ids", ["sockgate.E010"]),
        ("operator.contains", []),
    ],
)
def test_checks_report_a_missing_authorizer(settings: Any, path: str, expected: list[str]) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "AUTHORIZE": path}
    assert ids() == expected


@pytest.mark.parametrize(
    ("policies", "authorize", "expected"),
    [
        ({"room": {}}, None, ["sockgate.W006"]),
        ({"room": {}}, "operator.contains", []),
        ({"room": {"public": True}}, None, []),
        ({"user": {"history": 5}, "group": {}, "broadcast": {}}, None, []),
        ({}, None, []),
    ],
)
def test_checks_report_namespaces_without_an_authorizer(
    settings: Any, policies: Any, authorize: str | None, expected: list[str]
) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "NAMESPACES": policies, "AUTHORIZE": authorize}
    assert ids() == expected


@pytest.mark.parametrize("name", ["db", "cached_db", "cache", "file", "signed_cookies"])
def test_checks_name_what_replaces_an_engine_of_django(settings: Any, name: str) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{name}"
    (found,) = checks.check_engine()
    replacement = re.fullmatch(r'Set SESSION_ENGINE = "(sockgate\.sessions\.\w+)"\.', found.hint)
    assert replacement
    settings.SESSION_ENGINE = replacement[1]
    assert list(checks.check_engine()) == []


def test_deploy_checks_run_on_deploy_only(settings: Any) -> None:
    settings.SESSION_COOKIE_SAMESITE = "None"
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": "unix:///nowhere/redis.sock"}
    assert ids() == []
    found = ids(include_deployment_checks=True)
    assert {"sockgate.E101", "sockgate.W102", "sockgate.E103"} <= set(found)


def test_deploy_checks_accept_a_secure_cookie_of_samesite_none(settings: Any) -> None:
    settings.SESSION_COOKIE_SAMESITE, settings.SESSION_COOKIE_SECURE = "None", True
    assert ids_of(deploy.check_cookie_samesite) == []


@pytest.mark.parametrize("kind", ["SESSION", "CSRF"])
def test_deploy_checks_report_an_insecure_cookie_of_samesite_none(settings: Any, kind: str) -> None:
    setattr(settings, f"{kind}_COOKIE_SAMESITE", "None")
    assert ids_of(deploy.check_cookie_samesite) == ["sockgate.E101"]


def test_deploy_checks_accept_an_unused_csrf_cookie(settings: Any) -> None:
    settings.CSRF_COOKIE_SAMESITE, settings.CSRF_USE_SESSIONS = "None", True
    assert ids_of(deploy.check_cookie_samesite) == []


@pytest.mark.parametrize("kind", ["SESSION", "CSRF"])
@pytest.mark.parametrize(
    ("name", "is_secure", "path", "domain", "expected"),
    [
        ("__Secure-id", False, "/", None, ["sockgate.E105"]),
        ("__Secure-id", True, "/shop", "example.com", []),
        ("__Host-id", False, "/", None, ["sockgate.E105"]),
        ("__Host-id", True, "/shop", None, ["sockgate.E105"]),
        ("__Host-id", True, "/", "example.com", ["sockgate.E105"]),
        ("__Host-id", True, "/", None, []),
        ("id", False, "/", None, []),
    ],
)
def test_deploy_checks_report_a_cookie_that_does_not_fit_its_prefix(
    settings: Any,
    kind: str,
    name: str,
    is_secure: bool,
    path: str,
    domain: str | None,
    expected: list[str],
) -> None:
    values = {"NAME": name, "SECURE": is_secure, "PATH": path, "DOMAIN": domain}
    for part, value in values.items():
        setattr(settings, f"{kind}_COOKIE_{part}", value)
    assert ids_of(deploy.check_cookie_prefix) == expected


@pytest.mark.parametrize(
    ("origins", "samesite", "is_secure", "count"),
    [
        ("https://www.example.com,https://shop.example.com", "Strict", True, 0),
        ("https://www.example.org", "Lax", True, 1),
        ("https://www.example.org", "None", True, 0),
        ("http://www.example.com", "Lax", True, 1),
        ("http://www.example.com", "Lax", False, 0),
        ("", "Strict", True, 0),
    ],
)
def test_deploy_checks_report_pages_that_get_no_cookie(
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    origins: str,
    samesite: str,
    is_secure: bool,
    count: int,
) -> None:
    settings.ALLOWED_HOSTS = [".example.com"]
    settings.SESSION_COOKIE_SAMESITE, settings.SESSION_COOKIE_SECURE = samesite, is_secure
    monkeypatch.setenv("SOCKGATE_ORIGINS", origins)
    assert ids_of(deploy.check_cookie_reach) == ["sockgate.W109"] * count


@pytest.mark.parametrize("name", ["SESSION_COOKIE_PATH", "CSRF_COOKIE_PATH"])
@pytest.mark.parametrize(
    ("path", "expected"), [("/shop", ["sockgate.E102"]), ("/real", ["sockgate.E102"]), ("/", [])]
)
def test_deploy_checks_report_a_cookie_path(
    settings: Any, name: str, path: str, expected: list[str]
) -> None:
    setattr(settings, name, path)
    assert ids_of(deploy.check_cookie_path) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://push.example.com/realtime", ["sockgate.W101"]),
        ("https://push.example.com/realtime", []),
        ("/realtime", []),
    ],
)
def test_deploy_checks_report_mixed_content(settings: Any, url: str, expected: list[str]) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SOCKGATE = {**settings.SOCKGATE, "GATEWAY_URL": url}
    assert ids_of(deploy.check_mixed_content) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:8001/realtime", ["sockgate.W102"]),
        ("http://[::1]:8001", ["sockgate.W102"]),
        ("https://push.example.com", []),
        ("/realtime", []),
    ],
)
def test_deploy_checks_report_a_local_gateway(settings: Any, url: str, expected: list[str]) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "GATEWAY_URL": url}
    assert ids_of(deploy.check_gateway_host) == expected


@pytest.mark.parametrize(("debug", "expected"), [(True, ["sockgate.W103"]), (False, [])])
def test_deploy_checks_report_debug(settings: Any, debug: bool, expected: list[str]) -> None:
    settings.DEBUG = debug
    assert ids_of(deploy.check_debug) == expected


@pytest.mark.parametrize(
    ("origins", "count"),
    [
        ("", 0),
        ("https://example.com", 0),
        ("https://a.trusted.org, https://example.com", 0),
        ("https://trusted.org", 0),
        ("http://a.trusted.org", 1),
        ("*", 1),
        ("https://example.com,http://localhost:3000", 1),
        ("https://evil.org", 1),
    ],
)
def test_deploy_checks_report_foreign_origins(
    settings: Any, monkeypatch: pytest.MonkeyPatch, origins: str, count: int
) -> None:
    settings.ALLOWED_HOSTS = ["example.com"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.trusted.org"]
    monkeypatch.setenv("SOCKGATE_ORIGINS", origins)
    assert ids_of(deploy.check_origins) == ["sockgate.W104"] * count


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
            (33554432, 8388608),
        ),
        ("pubsub 0 0 0", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_pubsub_limits_are_found(limits: str, expected: tuple[int, int]) -> None:
    assert redis_server.pubsub_limits(limits) == expected


@pytest.mark.parametrize("path", ["tests.nowhere", "sockgate.tenants.SEPARATOR_OF_NOTHING"])
def test_checks_report_a_tenant_that_cannot_be_called(settings: Any, path: str) -> None:
    settings.SOCKGATE = {"SIGNING_KEYS": [GOOD_KEY], "TENANT": path}
    assert ids() == ["sockgate.E021"]


@pytest.mark.parametrize(
    ("apps", "engine"),
    [
        (["django_tenants"], "django.db.backends.postgresql"),
        ([], "django_tenants.postgresql_backend"),
    ],
)
def test_checks_recognise_django_tenants(
    settings: Any, monkeypatch: pytest.MonkeyPatch, apps: list[str], engine: str
) -> None:
    project = SimpleNamespace(INSTALLED_APPS=apps, DATABASES={"default": {"ENGINE": engine}})
    monkeypatch.setattr(checks, "settings", project)
    (found,) = checks.check_tenants_apart()
    assert found.id == "sockgate.W021"
    assert "sockgate.tenants.schema_name" in str(found.hint)
    settings.SOCKGATE = {**settings.SOCKGATE, "TENANT": "sockgate.tenants.schema_name"}
    assert [*checks.check_tenants_apart(), *checks.check_tenant_callable()] == []


def test_checks_report_receivers_of_signals_that_nothing_sends(settings: Any) -> None:
    def receive(**_: Any) -> None: ...

    assert [*checks.check_signal_receivers()] == []
    user_offline.connect(receive)
    try:
        (found,) = checks.check_signal_receivers()
        assert found.id == "sockgate.W022"
        assert "sockgate_signals" in str(found.hint)
        settings.SOCKGATE = {**settings.SOCKGATE, "PRESENCE_SIGNALS": True}
        assert [*checks.check_signal_receivers()] == []
    finally:
        user_offline.disconnect(receive)
