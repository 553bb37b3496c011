"""Which ``runserver`` runs when Sockgate's calls the next one."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.apps import AppConfig, apps
from django.contrib.staticfiles.management.commands import runserver as staticfiles
from django.core.management.commands import runserver as core
from sockgate.dev.next_command import next_runserver

OTHER = "otherapp"


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An app with a ``runserver``, as whitenoise and daphne have one."""
    commands = tmp_path / OTHER / "management" / "commands"
    commands.mkdir(parents=True)
    for folder in (commands, commands.parent, commands.parents[1]):
        (folder / "__init__.py").touch()
    (commands / "runserver.py").write_text("class Command: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == OTHER]:
        del sys.modules[name]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Any:
    def install(*names: str) -> None:
        configs = [AppConfig.create(name) for name in names]
        monkeypatch.setattr(apps, "get_app_configs", lambda: configs)

    return install


def test_next_command_is_that_of_staticfiles_below(install: Any) -> None:
    install("sockgate", "django.contrib.auth", "django.contrib.staticfiles")
    assert next_runserver() is staticfiles.Command


def test_next_command_is_that_of_the_first_app_below(install: Any, other: Any) -> None:
    install("sockgate", OTHER, "django.contrib.staticfiles")
    assert next_runserver().__module__ == f"{OTHER}.management.commands.runserver"


def test_apps_above_are_not_next(install: Any, other: Any) -> None:
    install(OTHER, "django.contrib.staticfiles", "sockgate")
    assert next_runserver() is core.Command


def test_error_inside_the_next_command_is_raised(
    install: Any, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("sockgate", OTHER)
    broken = ModuleType(f"{OTHER}.management.commands")
    monkeypatch.setitem(sys.modules, broken.__name__, broken)
    with pytest.raises(ImportError):
        next_runserver()
