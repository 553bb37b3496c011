"""A test run of a site needs no settings, and keeps away from the Redis of development."""

from typing import Any

import pytest
from django.core import mail
from sockgate import conf
from sockgate.conf.defaults import debug_defaults, testing_defaults


@pytest.fixture(autouse=True)
def site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("SOCKGATE_REDIS_URL", raising=False)
    monkeypatch.delenv("SOCKGATE_SIGNING_KEYS", raising=False)
    settings.SOCKGATE = {}
    return settings


@pytest.mark.parametrize("debug", [False, True])
def test_redis_is_in_the_process_and_the_key_is_of_the_tests(site: Any, debug: bool) -> None:
    site.DEBUG = debug
    (key,) = conf.current().signing_keys
    assert conf.current().redis_url == "memory://"
    assert len(key) >= 32
    assert key != debug_defaults.derive_key(site.SECRET_KEY)


def test_configuration_wins(site: Any) -> None:
    site.SOCKGATE = {"REDIS_URL": "redis://10.0.0.5/0", "SIGNING_KEYS": ["x" * 40]}
    assert conf.current().redis_url == "redis://10.0.0.5/0"
    assert conf.current().signing_keys == ("x" * 40,)


def test_redis_is_the_usual_one_without_fakeredis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing_defaults, "find_spec", lambda name: None)
    assert conf.current().redis_url == "redis://127.0.0.1:6379/0"


def test_settings_are_read_again_when_the_test_run_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = mail.outbox
    monkeypatch.delattr(mail, "outbox")
    before = conf.current()
    monkeypatch.setattr(mail, "outbox", outbox, raising=False)
    assert (before.redis_url, before.signing_keys) == ("redis://127.0.0.1:6379/0", ())
    assert conf.current().redis_url == "memory://"
