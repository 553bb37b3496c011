"""System checks of ``manage.py check`` in DEBUG: is the development server Sockgate's?"""

import sys
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Info, Warning, register  # noqa: A004
from django.core.management import get_commands, load_command_class

from .. import conf
from .settings import TAG, readable_settings

APP_ORDER = "sockgate.W008"
_PLUS = "runserver_plus"
_MODULE = "sockgate.management.commands.runserver"


@register(TAG)
def check_runserver(**_: Any) -> Iterable[CheckMessage]:
    """W008 a ``runserver`` that starts no gateway, where pages need that one."""
    config = readable_settings()
    if not settings.DEBUG or config is None or config.gateway_url != conf.DEFAULT_GATEWAY_URL:
        return
    if not _is_ours(get_commands().get("runserver")):
        yield Warning(
            "manage.py runserver starts no gateway: the command of another app comes first.",
            hint='Put "sockgate" above "django.contrib.staticfiles" in INSTALLED_APPS. With a '
            'gateway of your own, set SOCKGATE["GATEWAY_URL"] to its address.',
            id=APP_ORDER,
        )


@register(TAG)
def check_runserver_plus(**_: Any) -> Iterable[CheckMessage]:
    """W009 ``runserver_plus`` runs, which starts no gateway; I009 it could be run."""
    config = readable_settings()
    if not settings.DEBUG or config is None or config.gateway_url != conf.DEFAULT_GATEWAY_URL:
        return
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    kind = {_PLUS: Warning, "check": Info}.get(command)
    if kind is not None and _PLUS in get_commands():
        yield kind(
            "manage.py runserver_plus of django-extensions starts neither gateway nor Valkey.",
            hint="Use manage.py runserver. Or run a Redis and manage.py sockgate_gateway beside "
            'it, and set SOCKGATE["GATEWAY_URL"] to http://127.0.0.1:8001/realtime.',
            id="sockgate.W009" if kind is Warning else "sockgate.I009",
        )


def _is_ours(found: Any) -> bool:
    """Return whether a command is Sockgate's, or runs Sockgate's as its next one."""
    command = load_command_class(found, "runserver") if isinstance(found, str) else found
    return any(kind.__module__ == _MODULE for kind in type(command).__mro__)
