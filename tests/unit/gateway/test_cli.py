"""The command line: what it starts, what it refuses, what it shows."""

import pytest

from gateway import __version__, cli

KEY = "k" * 32


@pytest.fixture
def started(monkeypatch):
    """Configurations that would have been served."""
    configs = []
    monkeypatch.setattr(cli.workers, "run", lambda config: configs.append(config) or 0)
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
    monkeypatch.setattr(cli.workers, "run", lambda config: 1)
    assert cli.main([]) == 1


def test_wrong_configuration_is_named_and_nothing_is_started(started, capsys):
    assert cli.main(["--port", "none", "--prefix", "x"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1].strip() for line in said] == ["SOCKGATE_PORT", "SOCKGATE_PREFIX"]
    assert started == []


@pytest.mark.parametrize(("port", "status"), [("5000", 0), ("none", 2)])
def test_check_starts_nothing(started, port, status):
    assert cli.main(["--check-config", "--port", port]) == status
    assert started == []


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


def test_help_tells_units_and_what_a_switch_takes(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "--heartbeat SECONDS between two signs of life to a browser (default: 25)" in shown
    assert "--max-publication BYTES" in shown
    assert "--jsessionid yes|no set the cookie that some balancers need (default: no)" in shown
    assert "(default: 8001) " in shown
    assert shown.count("8001") == 1


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("--port", "abc", "SOCKGATE_PORT: must be a whole number"),
        ("--heartbeat", "soon", "SOCKGATE_HEARTBEAT: must be a number of seconds"),
        ("--compression", "maybe", "SOCKGATE_COMPRESSION: must be yes or no"),
    ],
)
def test_unreadable_value_is_said_in_words(capsys, flag, value, said):
    assert cli.main([flag, value]) == 2
    assert capsys.readouterr().err == f"sockgate: {said}\n"


def test_version_is_told(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out.strip() == __version__
