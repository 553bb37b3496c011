"""Sockgate in a Django project: publishing, presence, revocation, tenants and their errors.

The public names, listed in ``__all__``, are imported from here. Each is loaded on first use,
because Django imports this package before it permits the import of models.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .access.revocation import (
        disconnect_user,
        refresh_grants,
        refresh_users,
        revoke_channel,
        revoke_session,
        revoke_user,
    )
    from .channels.audience import count_connections
    from .channels.presence import (
        ais_online,
        aonline_users,
        apresence,
        is_online,
        online_users,
        presence,
    )
    from .errors import (
        ChannelNameError,
        EventNameError,
        ProgressFailed,
        PublicationError,
        PublicationInvalid,
        PublicationTooLarge,
        SockgateError,
        TenantError,
    )
    from .live.html import apublish_html, publish_html
    from .live.models import LiveModel, live_model
    from .publishing.async_calls import (
        abroadcast,
        aposition,
        apublish,
        apublish_many,
        apublish_to,
        apublish_to_group,
        atouch,
    )
    from .publishing.calls import (
        broadcast,
        channel_name,
        position,
        publish,
        publish_many,
        publish_to,
        publish_to_group,
        touch,
    )
    from .publishing.progress import progress, tracked_task
    from .publishing.publisher import Publisher
    from .tenants import current_tenant, use_tenant

_NAMES_BY_MODULE = {
    "channels.audience": ("count_connections",),
    "errors": (
        "ChannelNameError",
        "EventNameError",
        "ProgressFailed",
        "PublicationError",
        "PublicationInvalid",
        "PublicationTooLarge",
        "SockgateError",
        "TenantError",
    ),
    "channels.presence": (
        "ais_online",
        "aonline_users",
        "apresence",
        "is_online",
        "online_users",
        "presence",
    ),
    "live.html": ("apublish_html", "publish_html"),
    "live.models": ("LiveModel", "live_model"),
    "publishing.progress": ("progress", "tracked_task"),
    "publishing.publisher": ("Publisher",),
    "publishing.async_calls": (
        "abroadcast",
        "aposition",
        "apublish",
        "apublish_many",
        "apublish_to",
        "apublish_to_group",
        "atouch",
    ),
    "publishing.calls": (
        "broadcast",
        "channel_name",
        "position",
        "publish",
        "publish_many",
        "publish_to",
        "publish_to_group",
        "touch",
    ),
    "access.revocation": (
        "disconnect_user",
        "refresh_grants",
        "refresh_users",
        "revoke_channel",
        "revoke_session",
        "revoke_user",
    ),
    "tenants": ("current_tenant", "use_tenant"),
}
_MODULE_OF = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}

__all__ = [
    "ChannelNameError",
    "EventNameError",
    "LiveModel",
    "ProgressFailed",
    "PublicationError",
    "PublicationInvalid",
    "PublicationTooLarge",
    "Publisher",
    "SockgateError",
    "TenantError",
    "abroadcast",
    "ais_online",
    "aonline_users",
    "aposition",
    "apresence",
    "apublish",
    "apublish_html",
    "apublish_many",
    "apublish_to",
    "apublish_to_group",
    "atouch",
    "broadcast",
    "channel_name",
    "count_connections",
    "current_tenant",
    "disconnect_user",
    "is_online",
    "live_model",
    "online_users",
    "position",
    "presence",
    "progress",
    "publish",
    "publish_html",
    "publish_many",
    "publish_to",
    "publish_to_group",
    "refresh_grants",
    "refresh_users",
    "revoke_channel",
    "revoke_session",
    "revoke_user",
    "touch",
    "tracked_task",
    "use_tenant",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
