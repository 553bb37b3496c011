"""System check of live models: what calls ``live_model`` must be imported when Django starts."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Warning, register  # noqa: A004
from django.urls import get_resolver

from .settings import TAG

_CALL = re.compile(rb"^(?:\w+ *= *)?(?:\w+\.)*live_model\(", re.MULTILINE)
_NOT_FOLLOWED = frozenset({"migrations", "management", "tests", "site-packages"})


@register(TAG)
def check_live_models(**_: Any) -> Iterable[CheckMessage]:
    """W010 a ``live_model`` in a module that nothing has imported: it follows nothing."""
    if names := sorted(_unimported_modules()):
        yield Warning(
            f"live_model is called in {', '.join(names)}, which nothing imports when Django "
            "starts: changes of these models touch no channel.",
            hint="Call live_model beside the model, or import the module in AppConfig.ready.",
            id="sockgate.W010",
        )


def _unimported_modules() -> Iterator[str]:
    with suppress(Exception):  # Other checks report URLs that cannot be imported.
        _ = get_resolver().url_patterns
    for app in apps.get_app_configs():
        if app.name != "sockgate" and "site-packages" not in Path(app.path).parts:
            yield from _modules_with_calls(Path(app.path), app.name)


def _modules_with_calls(folder: Path, package: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        folders[:] = [
            one
            for one in folders
            if one not in _NOT_FOLLOWED and (here / one / "__init__.py").exists()
        ]
        for file in files:
            if not file.endswith(".py") or file.startswith("test"):
                continue
            name = ".".join([package, *(here / file).relative_to(folder).with_suffix("").parts])
            name = name.removesuffix(".__init__")
            if name not in sys.modules and _CALL.search((here / file).read_bytes()):
                yield name
