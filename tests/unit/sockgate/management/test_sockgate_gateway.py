import os
import sys
from typing import Any

import pytest
from django.core.management import call_command
from redis import RedisError
from sockgate.channels import namespaces


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """Command lines and environments of what the process would have become."""
    found: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda _, command, environ: found.append((command, environ)))
    monkeypatch.setattr(namespaces, "sync", lambda: False)
    return found


def test_gateway_gets_flags_and_settings(executed: Any, settings: Any) -> None:
    call_command("sockgate_gateway", "--host", "0.0.0.0", "--workers=4", "--check-config")
    ((command, environ),) = executed
    flags = ["--host", "0.0.0.0", "--workers=4", "--check-config"]
    assert command == [sys.executable, "-m", "sockgate_gateway", *flags]
    assert environ["SOCKGATE_SIGNING_KEYS"] == ",".join(settings.SOCKGATE["SIGNING_KEYS"])
    assert environ["PATH"] == os.environ["PATH"]


def test_options_of_django_are_not_passed_on(executed: Any) -> None:
    call_command("sockgate_gateway", "--port", "1", "--verbosity", "1", "--no-color")
    assert executed[0][0][3:] == ["--port", "1"]


def test_variable_that_differs_from_django_is_reported(
    executed: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("SOCKGATE_KEY_PREFIX", "other:")
    call_command("sockgate_gateway")
    assert "SOCKGATE_KEY_PREFIX of the environment is not used" in capsys.readouterr().err
    assert executed[0][1]["SOCKGATE_KEY_PREFIX"] == "sockgate:"


def test_gateway_starts_although_redis_does_not_answer(
    executed: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def fail() -> None:
        raise RedisError

    monkeypatch.setattr(namespaces, "sync", fail)
    call_command("sockgate_gateway")
    assert "The namespaces are not written yet: RedisError." in capsys.readouterr().err
    assert len(executed) == 1
