from typing import Any

import pytest
from django.core.management import get_commands
from sockgate.checks.development import check_runserver, check_runserver_plus
from sockgate.management.commands import runserver


@pytest.fixture(autouse=True)
def debug(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("SOCKGATE_GATEWAY_URL", raising=False)
    settings.DEBUG = True
    settings.SOCKGATE = {}
    return settings


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set which app's ``runserver`` comes first."""
    return lambda found: monkeypatch.setitem(get_commands(), "runserver", found)


def ids() -> list[str]:
    return [str(message.id) for message in check_runserver()]


def test_runserver_of_another_app_is_reported(first: Any) -> None:
    first("django.contrib.staticfiles")
    assert ids() == ["sockgate.W008"]


def test_runserver_of_sockgate_is_accepted_also_below_another(first: Any) -> None:
    class Nostatic(runserver.Command):
        __module__ = "whitenoise.runserver_nostatic.management.commands.runserver"

    first("sockgate")
    assert ids() == []
    first(Nostatic())
    assert ids() == []


@pytest.mark.parametrize("changes", [{"DEBUG": False}, {"SOCKGATE": {"GATEWAY_URL": "/live"}}])
def test_runserver_matters_only_where_pages_need_its_gateway(
    debug: Any, first: Any, changes: dict[str, Any]
) -> None:
    first("django.contrib.staticfiles")
    for name, value in changes.items():
        setattr(debug, name, value)
    assert ids() == []


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("runserver_plus", ["sockgate.W009"]),
        ("check", ["sockgate.I009"]),
        ("runserver", []),
        ("migrate", []),
    ],
)
def test_runserver_plus_is_reported_where_it_runs(
    debug: Any, monkeypatch: pytest.MonkeyPatch, command: str, expected: list[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["manage.py", command])
    assert [message.id for message in check_runserver_plus()] == []
    monkeypatch.setitem(get_commands(), "runserver_plus", "django_extensions")
    assert [message.id for message in check_runserver_plus()] == expected
    debug.SOCKGATE = {"GATEWAY_URL": "http://127.0.0.1:8001/realtime"}
    assert [message.id for message in check_runserver_plus()] == []
