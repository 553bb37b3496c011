"""A system check of ``manage.py check`` in DEBUG: is the development server Sockgate's?"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register  # noqa: A004
from django.core.management import get_commands, load_command_class

from .. import conf
from .settings import TAG, readable_settings

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
            id="sockgate.W008",
        )


def _is_ours(found: Any) -> bool:
    """Return whether a command is Sockgate's, or runs Sockgate's as its next one."""
    command = load_command_class(found, "runserver") if isinstance(found, str) else found
    return any(kind.__module__ == _MODULE for kind in type(command).__mro__)
