"""The ``runserver`` that would run without Sockgate, found as whitenoise finds it."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.core.management import find_commands

APP = "sockgate"


def next_runserver() -> Any:
    """Return the command class of the next app below this one, or Django's own."""
    return import_module(
        f"{_next_app(apps.get_app_configs())}.management.commands.runserver"
    ).Command


def _next_app(configs: Iterable[AppConfig]) -> str:
    below = _below(configs)
    return next((config.name for config in below if _has_runserver(config)), "django.core")


def _below(configs: Iterable[AppConfig]) -> Iterator[AppConfig]:
    rest = iter(configs)
    for config in rest:
        if config.name == APP:
            break
    yield from rest


def _has_runserver(config: AppConfig) -> bool:
    return "runserver" in find_commands(str(Path(config.path) / "management"))
