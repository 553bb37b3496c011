"""The command line: start, refusals, output."""

import pytest
from sockgate_gateway import __version__, cli
from sockgate_gateway.wire.key_ids import key_id

from tests.ports import free_port

KEY = "k" * 32


@pytest.fixture
def started(monkeypatch):
    """Configurations that would have been served."""
    configs = []
    monkeypatch.setattr(cli.startup, "run", lambda config: configs.append(config) or 0)
    monkeypatch.setattr(cli.logs, "set_up", lambda level, form: None)
    return configs


@pytest.fixture(autouse=True)
def environ(monkeypatch):
    """An environment with a key and nothing else of ours."""
    environ = {"SOCKGATE_SIGNING_KEYS": KEY}
    monkeypatch.setattr(cli.os, "environ", environ)
    return environ


def test_flags_reach_the_worker(started):
    assert cli.main(["--port", "5000", "--max-frame", "99"]) == 0
    assert (started[0].port, started[0].max_frame) == (5000, 99)


def test_exit_status_is_the_workers(monkeypatch, started):
    monkeypatch.setattr(cli.startup, "run", lambda config: 1)
    assert cli.main([]) == 1


def test_invalid_configuration_is_reported_and_no_worker_is_started(started, capsys):
    assert cli.main(["--port", "none", "--prefix", "x"]) == 2
    message = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1].strip() for line in message] == ["SOCKGATE_PORT", "SOCKGATE_PREFIX"]
    assert started == []


@pytest.mark.parametrize(("port", "status"), [("5000", 0), ("none", 2)])
def test_check_starts_no_worker(started, port, status):
    assert cli.main(["--check-config", "--port", port]) == status
    assert started == []


def test_check_says_why_redis_does_not_answer(environ, capsys):
    environ["SOCKGATE_REDIS_URL"] = f"redis://user:s3cret@127.0.0.1:{free_port()}/0"
    assert cli.main(["--check-config"]) == 0
    said = capsys.readouterr().err
    assert "warning: Redis does not answer: Error 111 connecting to 127.0.0.1" in said
    assert "start Redis, or correct the URL (SOCKGATE_REDIS_URL)" in said
    assert "s3cret" not in said


def test_check_prints_fingerprints_of_the_keys_and_no_key(environ, capsys):
    environ["SOCKGATE_SIGNING_KEYS"] = f"{KEY},{'l' * 32}"
    assert cli.main(["--check-config"]) == 0
    said = capsys.readouterr().out
    assert f"fingerprints of the signing keys: {key_id(KEY)}, {key_id('l' * 32)}\n" in said
    assert KEY not in said


@pytest.mark.parametrize("flag", ["--signing-keys", "--redis-url"])
def test_secret_is_no_flag(capsys, flag):
    with pytest.raises(SystemExit) as ended:
        cli.main([flag, "s3cret"])
    assert ended.value.code == 2


def test_help_shows_defaults_and_no_secret(environ, capsys):
    environ["SOCKGATE_SIGNING_KEYS"] = "s3cret" * 6
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shown = capsys.readouterr().out
    assert "--max-outbox" in shown
    assert "/realtime" in shown
    assert "s3cret" not in shown


def test_help_shows_units_and_the_values_of_a_switch(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "--heartbeat SECONDS between two heartbeats to a client (default: 25)" in shown
    assert "--max-publication BYTES" in shown
    assert "--jsessionid yes|no set the cookie that some balancers need (default: no)" in shown
    assert "(default: 8001) " in shown
    assert shown.count("8001") == 1


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        ("--port", "abc", "SOCKGATE_PORT: must be a whole number"),
        ("--heartbeat", "soon", "SOCKGATE_HEARTBEAT: must be a number of seconds"),
        ("--compression", "maybe", "SOCKGATE_COMPRESSION: must be yes or no"),
    ],
)
def test_unreadable_value_is_explained(capsys, flag, value, message):
    assert cli.main([flag, value]) == 2
    assert capsys.readouterr().err == f"sockgate: {message}\n"


def test_version_is_printed(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out.strip() == __version__
