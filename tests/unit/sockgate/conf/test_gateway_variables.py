from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from sockgate import conf
from sockgate.conf.gateway_variables import (
    fingerprints,
    merged,
    origins_of_site,
    overruled,
    path_of,
    variables_of_settings,
)
from sockgate_gateway.config.checks import find_problems
from sockgate_gateway.config.config import Config
from sockgate_gateway.config.loading import load

KEYS = ["k" * 32, "l" * 32]


@pytest.fixture
def site(settings: Any) -> Any:
    settings.ALLOWED_HOSTS = ["www.example.com"]
    settings.CSRF_TRUSTED_ORIGINS = []
    settings.SESSION_COOKIE_SECURE = True
    settings.SOCKGATE = {
        "REDIS_URL": "redis://:pw@10.0.0.5/3",
        "SIGNING_KEYS": KEYS,
        "GATEWAY_URL": "https://push.example.com/live",
        "KEY_PREFIX": "shop:",
        "TOKEN_MAX_AGE": 600,
        "MAX_PAYLOAD": 99,
    }
    return settings


def test_gateway_has_the_settings_of_django(site: Any) -> None:
    config, django = load({}, variables_of_settings()), conf.current()
    assert config.redis_url == django.redis_url
    assert config.signing_keys == django.signing_keys
    assert config.names == django.names
    assert (config.token_max_age, config.grant_max_age) == (600, 600)
    assert config.max_publication == 99
    assert config.prefix == "/live"
    assert config.origins == ("https://www.example.com",)


def test_gateway_notes_who_is_online_where_django_sends_the_signals(site: Any) -> None:
    assert not load({}, variables_of_settings()).presence_signals
    site.SOCKGATE = {**site.SOCKGATE, "PRESENCE_SIGNALS": True}
    assert load({}, variables_of_settings()).presence_signals


def test_channel_prefix_is_passed_on_only_where_it_is_set(site: Any) -> None:
    assert "SOCKGATE_CHANNEL_PREFIX" not in variables_of_settings()
    site.SOCKGATE = {**site.SOCKGATE, "CHANNEL_PREFIX": "shop-rt:"}
    assert variables_of_settings()["SOCKGATE_CHANNEL_PREFIX"] == "shop-rt:"


@pytest.mark.parametrize("key", ["a,b" * 20, " " + "k" * 32])
def test_key_that_no_variable_can_hold_is_refused_and_not_quoted(site: Any, key: str) -> None:
    site.SOCKGATE = {**site.SOCKGATE, "SIGNING_KEYS": [*KEYS, key]}
    with pytest.raises(ImproperlyConfigured, match="key 2 has a comma") as raised:
        variables_of_settings()
    assert key not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/realtime", "/realtime"),
        (":8001/realtime", "/realtime"),
        (":8001", ""),
        ("https://push.example.com/live/", "/live"),
        ("https://push.example.com", ""),
    ],
)
def test_prefix_is_the_path_of_the_gateway_url(url: str, path: str) -> None:
    assert path_of(url) == path


def test_origins_are_hosts_domains_and_trusted_origins(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["www.example.com", ".example.org", "*", ".com", "127.0.0.1"]
    settings.CSRF_TRUSTED_ORIGINS = [
        "https://shop.example.com",
        "https://*.example.net",
        "https://*.net",
        "https://*.localhost:8443",
    ]
    settings.SECURE_SSL_REDIRECT = True
    assert origins_of_site() == [
        "https://www.example.com",
        "https://*.example.org",
        "https://127.0.0.1",
        "https://shop.example.com",
        "https://*.example.net",
        "https://*.localhost:8443",
    ]
    assert not find_problems(Config(signing_keys=("x" * 32,), origins=tuple(origins_of_site())))


def test_origins_have_both_schemes_where_django_requires_none(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["a.example"]
    assert origins_of_site() == ["https://a.example", "http://a.example"]


def test_merged_environment_has_the_values_of_django() -> None:
    environ = {"SOCKGATE_KEY_PREFIX": "other:", "SOCKGATE_MAX_OUTBOX": "7", "PATH": "/bin"}
    assert merged(environ, {"SOCKGATE_KEY_PREFIX": "shop:"}) == {
        "SOCKGATE_KEY_PREFIX": "shop:",
        "SOCKGATE_MAX_OUTBOX": "7",
        "PATH": "/bin",
    }


def test_environment_decides_on_origins_and_prefix() -> None:
    environ = {"SOCKGATE_ORIGINS": "https://a.example", "SOCKGATE_PREFIX": ""}
    ours = {"SOCKGATE_ORIGINS": "https://b.example", "SOCKGATE_PREFIX": "/rt"}
    assert merged(environ, ours) == {**ours, "SOCKGATE_ORIGINS": "https://a.example"}
    assert overruled(environ, ours) == []


def test_variables_that_differ_are_overruled() -> None:
    ours = {"SOCKGATE_KEY_PREFIX": "shop:", "SOCKGATE_REDIS_URL": "redis://a"}
    environ = {"SOCKGATE_KEY_PREFIX": "other:", "SOCKGATE_REDIS_URL": "redis://a"}
    assert overruled(environ, ours) == ["SOCKGATE_KEY_PREFIX"]
    assert overruled({"SOCKGATE_KEY_PREFIX": ""}, ours) == []


def test_fingerprints_are_not_the_keys(site: Any) -> None:
    assert len(fingerprints()) == 2
    assert not set(KEYS) & set(fingerprints())
