from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from sockgate import conf
from sockgate_gateway.wire.namespaces import Namespaces, Policy


@pytest.fixture(autouse=True)
def _environment(no_test_run: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOCKGATE_REDIS_URL", raising=False)
    monkeypatch.delenv("SOCKGATE_SIGNING_KEYS", raising=False)


def test_read_of_an_empty_dict_returns_the_defaults() -> None:
    settings = conf.read({})
    assert settings == conf.Settings(
        redis_url="redis://127.0.0.1:6379/0",
        redis_credentials=None,
        signing_keys=(),
        gateway_url="/realtime",
        key_prefix="sockgate:",
        channel_prefix="rt:",
        anonymous=False,
        anonymous_session_age=6 * 3600,
        token_max_age=3600,
        page_timeout=0.28,
        transports=None,
        groups=True,
        publish_on_commit=True,
        max_payload=1024 * 1024,
        namespaces=Namespaces(),
        presence_data=None,
        presence_signals=False,
        offline_after=10,
        authorize=None,
        oidc=None,
        live_rate=100,
        tenant=None,
    )


def test_read_uses_defaults_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCKGATE_REDIS_URL", "redis://cache:6379/3")
    monkeypatch.setenv("SOCKGATE_SIGNING_KEYS", "old, new,")
    settings = conf.read({})
    assert settings.redis_url == "redis://cache:6379/3"
    assert settings.signing_keys == ("old", "new")


def test_read_prefers_the_dict_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCKGATE_REDIS_URL", "redis://cache:6379/3")
    monkeypatch.setenv("SOCKGATE_SIGNING_KEYS", "old,new")
    settings = conf.read({"REDIS_URL": "unix:///run/redis.sock", "SIGNING_KEYS": ["one"]})
    assert settings.redis_url == "unix:///run/redis.sock"
    assert settings.signing_keys == ("one",)


def test_names_have_the_prefixes() -> None:
    names = conf.read({"KEY_PREFIX": "a:", "CHANNEL_PREFIX": "b:"}).names
    assert (names.control, names.channel("x")) == ("a:control", "b:x")


def test_names_have_the_database() -> None:
    names = conf.read({"REDIS_URL": "redis://127.0.0.1:6379/3"}).names
    assert (names.control, names.channel("x")) == ("sockgate@3:control", "rt@3:x")


def test_names_have_a_prefix_that_is_set_as_it_is() -> None:
    names = conf.read({"REDIS_URL": "unix:///redis?db=3", "CHANNEL_PREFIX": "rt:"}).names
    assert (names.control, names.channel("x")) == ("sockgate@3:control", "rt:x")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("REDIS_URL", "http://127.0.0.1"),
        ("REDIS_URL", None),
        ("REDIS_URL", "redis+sentinel://127.0.0.1:26379"),
        ("REDIS_URL", "redis+cluster://127.0.0.1/7"),
        ("SIGNING_KEYS", "one text is not a list"),
        ("SIGNING_KEYS", ["", "x"]),
        ("GATEWAY_URL", "ws://127.0.0.1:8001"),
        ("GATEWAY_URL", "//host/realtime"),
        ("GATEWAY_URL", "realtime"),
        ("GATEWAY_URL", "https:///realtime"),
        ("KEY_PREFIX", ""),
        ("KEY_PREFIX", "shop"),
        ("KEY_PREFIX", "rt:"),
        ("CHANNEL_PREFIX", 1),
        ("CHANNEL_PREFIX", ""),
        ("CHANNEL_PREFIX", "rt@3:"),
        ("CHANNEL_PREFIX", "r*:"),
        ("CHANNEL_PREFIX", "sockgate:rt:"),
        ("ANONYMOUS", 1),
        ("TOKEN_MAX_AGE", 0),
        ("TOKEN_MAX_AGE", True),
        ("TOKEN_MAX_AGE", 1.5),
        ("TRANSPORTS", "websocket"),
        ("GROUPS", "yes"),
        ("PUBLISH_ON_COMMIT", None),
        ("MAX_PAYLOAD", -1),
        ("NAMESPACES", ["room"]),
        ("NAMESPACES", {"room": {"history": "many"}}),
        ("AUTHORIZE", 1),
        ("AUTHORIZE", ""),
    ],
)
def test_read_refuses_bad_values(key: str, value: Any) -> None:
    assert [(problem.key, problem.is_unknown) for problem in conf.problems({key: value})] == [
        (key, False)
    ]
    with pytest.raises(ImproperlyConfigured, match=key):
        conf.read({key: value})


@pytest.mark.parametrize(
    "value", ["/realtime", "http://127.0.0.1:8001/realtime", "https://push.example.com"]
)
def test_read_accepts_gateway_urls(value: str) -> None:
    assert conf.read({"GATEWAY_URL": value}).gateway_url == value


def test_read_accepts_namespaces() -> None:
    read = conf.read({"NAMESPACES": {"room": {"history": 7, "presence": True}, "news": {}}})
    expected = {"room": Policy(history=7, presence=True), "news": Policy()}
    assert read.namespaces == Namespaces(expected)


@pytest.mark.parametrize("value", ["app.realtime.may_subscribe", len, None])
def test_read_accepts_an_authorizer(value: Any) -> None:
    assert conf.read({"AUTHORIZE": value}).authorize == value


def test_read_refuses_unknown_keys() -> None:
    problems = list(conf.problems({"SIGNING_KEY": ["x"]}))
    assert [(problem.key, problem.is_unknown) for problem in problems] == [("SIGNING_KEY", True)]
    with pytest.raises(ImproperlyConfigured, match="SIGNING_KEY"):
        conf.read({"SIGNING_KEY": ["x"]})


def test_read_rejects_anything_but_a_dict() -> None:
    with pytest.raises(ImproperlyConfigured, match="must be a dict"):
        conf.read(["REDIS_URL"])


@pytest.mark.parametrize("name", ["SIGNING_KEYS", "REDIS_URL", "GATEWAY_URL"])
def test_byte_that_is_not_utf8_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    texts = {"SIGNING_KEYS": "k" * 40, "REDIS_URL": "redis://me:k@127.0.0.1", "GATEWAY_URL": "/kk"}
    monkeypatch.setenv(f"SOCKGATE_{name}", texts[name] + "\udcff")
    (problem,) = conf.problems({})
    assert problem.key == name
    assert "has a byte that is not UTF-8" in problem.message
    assert texts[name] not in problem.message


def test_problems_never_quote_a_value() -> None:
    secret = "a very secret password"
    for key in conf.KEYS:
        assert all(secret not in problem.message for problem in conf.problems({key: {secret}}))


def test_current_follows_a_change_of_settings(settings: Any) -> None:
    before = conf.current()
    assert conf.current() is before
    settings.SOCKGATE = {"TOKEN_MAX_AGE": 5}
    assert conf.current().token_max_age == 5


def test_bad_url_is_explained_and_not_quoted() -> None:
    (problem,) = conf.problems({"REDIS_URL": "redis+sentinel://:s3cret@host"})
    assert problem.message.startswith(
        "SOCKGATE['REDIS_URL'] must be a URL of Redis; it names no service"
    )
    assert "s3cret" not in problem.message


def test_bad_variable_is_a_problem_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCKGATE_REDIS_URL", "redis+sentinel://:s3cret@host")
    (problem,) = conf.problems({})
    assert problem.message.startswith("The variable SOCKGATE_REDIS_URL must be a URL of Redis")
    assert "s3cret" not in problem.message
