"""The settings of the site: their table, their defaults, and what the gateway must share with them.

The names are loaded on first use, because ``dev/supervisor.py`` imports ``defaults/`` and no
Django.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .keys import DEFAULT_GATEWAY_URL, KEYS
    from .settings import (
        Problem,
        Settings,
        current,
        forget,
        gateway_url_at,
        gateway_url_for,
        mask_settings,
        problems,
        read,
    )

__all__ = [
    "DEFAULT_GATEWAY_URL",
    "KEYS",
    "Problem",
    "Settings",
    "current",
    "forget",
    "gateway_url_at",
    "gateway_url_for",
    "mask_settings",
    "problems",
    "read",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import keys, settings

    for found in __all__:
        globals()[found] = getattr(settings if hasattr(settings, found) else keys, found)
    return globals()[name]
