"""One frozen configuration, from flags and variables; all that is wrong is named at once."""

import subprocess
from dataclasses import fields

import pytest
from sockgate_gateway.config.config import Config, is_secret, variable
from sockgate_gateway.config.loading import load
from sockgate_gateway.errors import ConfigError

KEY = "k" * 32


def variables(**changes: str) -> dict[str, str]:
    return {"SOCKGATE_SIGNING_KEYS": KEY, **changes}


def problems(**changes: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as wrong:
        load({}, variables(**changes))
    return wrong.value.problems


def test_defaults_need_only_a_key():
    assert load({}, variables()) == Config(signing_keys=(KEY,))


@pytest.mark.parametrize("option", sorted(field.name for field in fields(Config)))
def test_byte_that_is_not_utf8_is_a_problem_of_its_setting_alone(option):
    name = variable(option)
    text = f"redis://me:{KEY}\udcff@127.0.0.1"
    for flags, environ in (({}, variables(**{name: text})), ({option: text}, variables())):
        with pytest.raises(ConfigError) as wrong:
            load(flags, environ)
        assert wrong.value.problems == (f"{name}: has a byte that is not UTF-8",)


def test_lists_are_comma_separated():
    config = load({}, variables(SOCKGATE_ORIGINS=" https://a.example,https://b.example ,"))
    assert config.origins == ("https://a.example", "https://b.example")


def test_flag_wins_over_its_variable():
    assert load({"max_frame": "7"}, variables(SOCKGATE_MAX_FRAME="8")).max_frame == 7


@pytest.mark.parametrize(
    ("flags", "changes", "port"),
    [
        ({}, {}, 8001),
        ({}, {"PORT": "5000"}, 5000),
        ({}, {"PORT": ""}, 8001),
        ({}, {"PORT": "5000", "SOCKGATE_PORT": "5001"}, 5001),
        ({"port": "5002"}, {"PORT": "5000", "SOCKGATE_PORT": "5001"}, 5002),
    ],
)
def test_port_comes_from_the_nearest_place(flags, changes, port):
    assert load(flags, variables(**changes)).port == port


@pytest.mark.parametrize("text", ["1", "yes", "TRUE", "on"])
def test_true_has_several_spellings(text):
    assert load({}, variables(SOCKGATE_JSESSIONID=text)).jsessionid is True


@pytest.mark.parametrize("text", ["0", "no", "False", "off", ""])
def test_false_has_several_spellings(text):
    assert load({}, variables(SOCKGATE_JSESSIONID=text)).jsessionid is False


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SIGNING_KEYS", ""),
        ("SIGNING_KEYS", "short"),
        ("SIGNING_KEYS", KEY + ",short"),
        ("REDIS_URL", "http://127.0.0.1"),
        ("REDIS_URL", "memory://"),
        ("REDIS_URL", "redis://127.0.0.1:none"),
        ("REDIS_URL", "redis://[::1"),
        ("REDIS_URL", "redis+sentinel://127.0.0.1:26379"),
        ("REDIS_URL", "redis+cluster://127.0.0.1/7"),
        ("KEY_PREFIX", ""),
        ("KEY_PREFIX", "shop"),
        ("KEY_PREFIX", "rt:"),
        ("CHANNEL_PREFIX", ""),
        ("CHANNEL_PREFIX", "rt@3:"),
        ("CHANNEL_PREFIX", "r*:"),
        ("CHANNEL_PREFIX", "sockgate:rt:"),
        ("PORT", "none"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("OPS_PORT", "65536"),
        ("SUPERVISOR_PORT", "65536"),
        ("HANG_TIMEOUT", "-1"),
        ("BALANCE_RATIO", "1.01"),
        ("REPLACED_KEYS", "a whole key in place of its id"),
        ("PREFIX", "realtime"),
        ("PREFIX", "/realtime/"),
        ("ORIGINS", "*"),
        ("ORIGINS", "https://a.example,b.example"),
        ("TRUSTED_PROXIES", "localhost"),
        ("TRUSTED_PROXIES", "10.0.0.0/64"),
        ("TRANSPORTS", "carrier-pigeon"),
        ("TRANSPORTS", ","),
        ("WORKERS", "0"),
        ("HEARTBEAT", "0"),
        ("HEARTBEAT", "nan"),
        ("HEARTBEAT", "inf"),
        ("CONNECT_TIMEOUT", "-1"),
        ("MAX_OUTBOX", "2 MB"),
        ("JSESSIONID", "perhaps"),
        ("TLS_CERT", "/cert.pem"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_bad_value_is_named_by_its_variable(name, text):
    assert any(f"SOCKGATE_{name}" in p for p in problems(**{f"SOCKGATE_{name}": text}))


def test_all_problems_are_named_at_once():
    assert len(problems(SOCKGATE_PORT="none", SOCKGATE_PREFIX="x", SOCKGATE_LOG_FORMAT="y")) == 3


def test_unknown_variable_is_named():
    assert problems(SOCKGATE_REDIS_ULR="redis://") == (
        "SOCKGATE_REDIS_ULR: unknown variable; the nearest one is SOCKGATE_REDIS_URL",
    )


def test_variables_of_other_programs_are_ignored():
    load({}, variables(REDIS_URL="http://", PATH="/bin"))


@pytest.mark.parametrize("name", ["drain_timeout", "release_delay", "ops_port", "port"])
def test_zero_is_accepted_where_it_has_a_meaning(name):
    assert getattr(load({name: "0"}, variables()), name) == 0


def test_tls_needs_existing_files(tmp_path):
    cert = tmp_path / "cert.pem"
    cert.touch()
    missing = tmp_path / "key.pem"
    changes = {"SOCKGATE_TLS_CERT": str(cert), "SOCKGATE_TLS_KEY": str(missing)}
    assert problems(**changes) == ("SOCKGATE_TLS_KEY: no such file",)


def test_tls_needs_a_certificate_and_its_own_key(tmp_path):
    cert, key = make_certificate(tmp_path / "one")
    _, foreign = make_certificate(tmp_path / "other")
    changes = {"SOCKGATE_TLS_CERT": cert, "SOCKGATE_TLS_KEY": key}
    assert load({}, variables(**changes)).tls_key == key
    (problem,) = problems(**{**changes, "SOCKGATE_TLS_KEY": foreign})
    expected = "SOCKGATE_TLS_CERT, SOCKGATE_TLS_KEY: cannot be used: KEY_VALUES_MISMATCH"
    assert problem == expected


def make_certificate(folder):
    folder.mkdir()
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=a"
    command = ["openssl", *request.split(), "-keyout", key, "-out", cert]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def test_problem_with_a_secret_does_not_quote_it():
    changes = {"SOCKGATE_SIGNING_KEYS": "s3cret", "SOCKGATE_REDIS_URL": "http://:s3cret@a"}
    assert "s3cret" not in str(problems(**changes))


def test_secrets_are_the_keys_and_the_address_of_redis():
    secrets = {option.name for option in fields(Config) if is_secret(option.name)}
    assert secrets == {"signing_keys", "redis_url"}


def test_configuration_cannot_be_changed():
    with pytest.raises(AttributeError):
        Config().port = 1


@pytest.mark.parametrize(
    ("url", "channel"),
    [
        ("redis://127.0.0.1", "rt:user:1"),
        ("redis://127.0.0.1/0", "rt:user:1"),
        ("redis://127.0.0.1/3", "rt@3:user:1"),
        ("redis://127.0.0.1/3?db=4", "rt@4:user:1"),
        ("unix:///redis.sock?db=5", "rt@5:user:1"),
        ("redis+sentinel://127.0.0.1/main/6", "rt@6:user:1"),
        ("redis+cluster://127.0.0.1", "rt:user:1"),
    ],
)
def test_names_have_the_database(url, channel):
    assert load({}, variables(SOCKGATE_REDIS_URL=url)).names.channel("user:1") == channel


def test_names_have_a_prefix_that_is_set_as_it_is():
    given = variables(SOCKGATE_REDIS_URL="redis://127.0.0.1/3", SOCKGATE_CHANNEL_PREFIX="rt:")
    names = load({}, given).names
    assert (names.channel("user:1"), names.control) == ("rt:user:1", "sockgate@3:control")
