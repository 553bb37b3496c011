"""What pages need, checked by ``manage.py check``."""

from types import ModuleType
from typing import Any

import pytest
from django.core.checks import run_checks
from django.urls import include, path, re_path, set_script_prefix
from django.views.generic import TemplateView
from sockgate import views
from sockgate.checks import pages
from sockgate.checks.settings import TAG

PAGE = TemplateView.as_view(template_name="page.html")
OURS = path("realtime/", include("sockgate.urls"))


def ids() -> list[str]:
    return sorted(str(message.id) for message in run_checks(tags=[TAG]))


def routes(*patterns: Any) -> ModuleType:
    module = ModuleType("routes")
    module.urlpatterns = list(patterns)  # type: ignore[attr-defined]
    return module


def set_gateway(settings: Any, url: str) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "GATEWAY_URL": url}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SOCKGATE_REDIS_URL", "SOCKGATE_SIGNING_KEYS", "SOCKGATE_PREFIX"):
        monkeypatch.delenv(name, raising=False)


def test_checks_report_missing_urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    assert ids() == ["sockgate.W001"]


@pytest.mark.parametrize(
    "catch_all", [path("<path:page>", PAGE), re_path(r"^(?P<slug>[\w/-]+)$", PAGE)]
)
def test_checks_report_a_catch_all_above_the_token_view(settings: Any, catch_all: Any) -> None:
    settings.ROOT_URLCONF = routes(catch_all, OURS)
    (warning,) = pages.check_urls()
    assert warning.id == "sockgate.W005"
    for view in ("token", "grant", "session", "progress"):
        assert f"/realtime/{view}/" in warning.msg
    assert f"{str(catch_all.pattern)!r}, which calls" in warning.msg
    assert "above it" in str(warning.hint)


def test_checks_name_each_pattern_above_the_views(settings: Any) -> None:
    settings.ROOT_URLCONF = routes(
        path("realtime/token/", PAGE), path("realtime/<slug:page>/", PAGE), OURS
    )
    token, others = pages.check_urls()
    assert "answers /realtime/token/: 'realtime/token/'" in token.msg
    assert "/realtime/token/" not in others.msg
    assert "'realtime/<slug:page>/', which calls" in others.msg


def test_checks_accept_a_catch_all_below_the_token_view(settings: Any) -> None:
    settings.ROOT_URLCONF = routes(OURS, path("<path:page>", PAGE))
    assert ids() == []


def test_checks_accept_the_views_under_other_patterns(settings: Any) -> None:
    own = [path("realtime/token/", views.token), path("realtime/grant/", views.grant)]
    settings.ROOT_URLCONF = routes(*own, OURS)
    assert ids() == []


def test_checks_resolve_without_the_script_prefix(settings: Any) -> None:
    set_script_prefix("/shop/")
    try:
        settings.ROOT_URLCONF = routes(OURS)
        assert ids() == []
        settings.ROOT_URLCONF = routes(path("<path:page>", PAGE), OURS)
        assert ids() == ["sockgate.W005"]
    finally:
        set_script_prefix("/")


@pytest.mark.parametrize(
    ("url", "prefix", "proposed"),
    [
        ("http://127.0.0.1:8001", "", "http://127.0.0.1:8001/realtime"),
        ("https://push.example.com/", "", "https://push.example.com/realtime"),
        ("/", "", "/realtime"),
        ("/realtime", "/push", "/push"),
        ("https://me:secret@push.example.com", "/push", "https://push.example.com/push"),
    ],
)
def test_checks_report_a_gateway_url_without_the_prefix(
    settings: Any, monkeypatch: pytest.MonkeyPatch, url: str, prefix: str, proposed: str
) -> None:
    monkeypatch.setenv("SOCKGATE_PREFIX", prefix)
    set_gateway(settings, url)
    (found,) = pages.check_gateway_path()
    assert found.id == "sockgate.W007"
    assert found.hint == f'Set "GATEWAY_URL": "{proposed}".'
    assert "SOCKGATE_PREFIX" in found.msg
    assert "secret" not in found.msg


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("http://127.0.0.1:8001/realtime", ""),
        ("https://push.example.com/rt/", ""),
        ("/realtime", "/realtime"),
        ("/shop/push/", "/push"),
    ],
)
def test_checks_accept_a_gateway_url_with_a_path(
    settings: Any, monkeypatch: pytest.MonkeyPatch, url: str, prefix: str
) -> None:
    monkeypatch.setenv("SOCKGATE_PREFIX", prefix)
    set_gateway(settings, url)
    assert list(pages.check_gateway_path()) == []


def test_checks_report_a_client_that_was_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "CLIENT", "static/sockgate/nothing.js")
    (found,) = pages.check_client_built()
    assert found.id == "sockgate.W107"
    assert "make build" in str(found.hint)
    monkeypatch.setattr(pages, "CLIENT", "apps.py")
    assert list(pages.check_client_built()) == []


def test_checks_report_a_missing_static_url(settings: Any) -> None:
    settings.STATIC_URL = None
    assert ids() == ["sockgate.W002"]


def test_checks_report_templates_without_the_request(settings: Any) -> None:
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "OPTIONS": {"context_processors": []}}]
    assert ids() == ["sockgate.W003"]


def test_checks_report_transports_that_the_client_does_not_know(settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "TRANSPORTS": ["websocket", "xhr_streaming"]}
    assert ids() == ["sockgate.W004"]


def test_checks_accept_the_transports_of_the_client(settings: Any) -> None:
    known = sorted(pages.SOCKJS_TRANSPORTS)
    settings.SOCKGATE = {**settings.SOCKGATE, "TRANSPORTS": known}
    assert ids() == []
