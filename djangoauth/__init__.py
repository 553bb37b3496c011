"""Sockgate in a Django project: sessions that the gateway can check, tokens, publishing.

Everything public can be imported from here. It is loaded on first use, since Django imports this
package before models may be imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .audience import count_connections
    from .errors import PublicationError, PublicationInvalid, PublicationTooLarge, SockgateError
    from .presence import ais_online, aonline_users, is_online, online_users
    from .publisher import Publisher
    from .publishing import (
        abroadcast,
        aposition,
        apublish,
        apublish_many,
        apublish_to,
        broadcast,
        position,
        publish,
        publish_many,
        publish_to,
    )
    from .revocation import (
        refresh_grants,
        refresh_users,
        revoke_channel,
        revoke_session,
        revoke_user,
    )

_HOMES = {
    "audience": ("count_connections",),
    "errors": ("PublicationError", "PublicationInvalid", "PublicationTooLarge", "SockgateError"),
    "presence": ("ais_online", "aonline_users", "is_online", "online_users"),
    "publisher": ("Publisher",),
    "publishing": (
        "abroadcast",
        "aposition",
        "apublish",
        "apublish_many",
        "apublish_to",
        "broadcast",
        "position",
        "publish",
        "publish_many",
        "publish_to",
    ),
    "revocation": (
        "refresh_grants",
        "refresh_users",
        "revoke_channel",
        "revoke_session",
        "revoke_user",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "PublicationError",
    "PublicationInvalid",
    "PublicationTooLarge",
    "Publisher",
    "SockgateError",
    "abroadcast",
    "ais_online",
    "aonline_users",
    "aposition",
    "apublish",
    "apublish_many",
    "apublish_to",
    "broadcast",
    "count_connections",
    "is_online",
    "online_users",
    "position",
    "publish",
    "publish_many",
    "publish_to",
    "refresh_grants",
    "refresh_users",
    "revoke_channel",
    "revoke_session",
    "revoke_user",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
