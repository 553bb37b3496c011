"""When a request began; noted for each one, so this module imports nothing else of ours."""

from collections.abc import Mapping
from time import monotonic
from typing import Any

from django.core.signals import request_started
from django.http import HttpRequest

_STARTED = "sockgate.started"


def note_start(
    environ: dict[str, Any] | None = None, scope: dict[str, Any] | None = None, **_: Any
) -> None:
    """Note when a request began; ``environ`` with WSGI, ``scope`` with ASGI."""
    place = scope if environ is None else environ
    if place is not None:
        place[_STARTED] = monotonic()


def connect() -> None:
    """Follow the beginnings of requests."""
    request_started.connect(note_start, dispatch_uid="sockgate.live.request_start")


def started_at(request: HttpRequest) -> float | None:
    """Return when a request began, in monotonic seconds; None: that is not known."""
    scope: Mapping[str, Any] = getattr(request, "scope", {})
    found: float | None = request.META.get(_STARTED, scope.get(_STARTED))
    return found
