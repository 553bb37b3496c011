from typing import Any

import pytest
from django.core.management import get_commands
from sockgate.checks.development import check_runserver
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
