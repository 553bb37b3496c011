"""The gateway's frames about presence."""

from collections.abc import Mapping
from math import inf
from typing import Any

import msgspec

from .presence import PresenceData
from .protocol import FrameId, frame
from .tenants import without_tenant


def presence(
    channel: str,
    users: Mapping[str, int],
    anonymous: int,
    reply_to: FrameId = None,
    data: PresenceData | None = None,
    limit: float = inf,
) -> bytes:
    """Answer with the presence of a channel: connections by uid, anonymous ones, and the data.

    With more users than ``limit``, it says only how many they are.
    """
    if len(users) > limit:
        fields = {"users": {}, "count": len(users), "anonymous": anonymous, "reply_to": reply_to}
        return frame("presence", channel=channel, **fields)
    counts = {without_tenant(user): count for user, count in users.items()}
    fields = {"users": counts, "anonymous": anonymous, **_data(data), "reply_to": reply_to}
    return frame("presence", channel=channel, **fields)


def _data(data: PresenceData | None) -> dict[str, Any]:
    if data is None:
        return {}
    return {
        "data": {without_tenant(uid): msgspec.Raw(one) for uid, one in data.users.items()},
        "page_data": {
            without_tenant(uid): [*map(msgspec.Raw, pages)] for uid, pages in data.pages.items()
        },
        "data_truncated": None if data.is_complete else True,
    }


def presence_set(channel: str, reply_to: FrameId = None) -> bytes:
    """Confirm that the connection has this data now."""
    return frame("presence_set", channel=channel, reply_to=reply_to)


def joined(channel: str, user: str, data: msgspec.Raw | None = None) -> bytes:
    """Notify that a user joined a channel, with the data that Django has given the user."""
    return frame("join", channel=channel, user=without_tenant(user), data=data)


def left(channel: str, user: str) -> bytes:
    """Notify that a user left a channel with their last connection."""
    return frame("leave", channel=channel, user=without_tenant(user))


def data_changed(
    channel: str,
    user: str,
    data: msgspec.Raw | None = None,
    page_data: msgspec.Raw | None = None,
) -> bytes:
    """Notify that the data of a user, or of the user's pages, has changed; None: it has not."""
    fields = {"data": data, "page_data": page_data}
    return frame("presence_changed", channel=channel, user=without_tenant(user), **fields)
