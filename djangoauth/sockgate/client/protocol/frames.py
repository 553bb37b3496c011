"""Frames of docs/protocol.md: writes what a client sends, and reads what it receives."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from sockgate_gateway.wire.events import RESERVED_EVENTS

from ..events import Joined, Message, Presence, PresenceChanged
from .states import DEFAULT_HEARTBEAT_S, LONGEST_HEARTBEAT_S

Frame = dict[str, Any]
Position = tuple[str, int]
"""Epoch and offset in a channel's history."""
Newest = int | Literal["all"]
"""How many of the newest publications a client without a position receives."""
Recover = Position | Newest


def connect_frame(token: str, recover: Mapping[str, Recover]) -> str:
    """Write the first frame of a connection, with what to recover of each channel."""
    return _write({"type": "connect", "token": token, "recover": recover})


def refresh_frame(token: str) -> str:
    """Write a frame that brings a fresh token to a live connection."""
    return _write({"type": "refresh", "token": token})


def subscribe_frame(channel: str, grant: str | None, recover: Recover | None, request: int) -> str:
    """Write a ``subscribe`` frame; without a grant, the channel is public."""
    frame: Frame = {"type": "subscribe", "channel": channel, "id": request}
    if grant:
        frame["grant"] = grant
    if recover:
        frame["recover"] = recover
    return _write(frame)


def unsubscribe_frame(channel: str, request: int) -> str:
    """Write an ``unsubscribe`` frame."""
    return _write({"type": "unsubscribe", "channel": channel, "id": request})


def presence_frame(channel: str, request: int) -> str:
    """Write a ``presence`` frame."""
    return _write({"type": "presence", "channel": channel, "id": request})


def set_presence_frame(channel: str, data: Any, request: int) -> str:
    """Write a ``set_presence`` frame; raises as ``publish_frame``."""
    return _write({"type": "set_presence", "channel": channel, "data": data, "id": request})


def publish_frame(channel: str, event: str, data: Any, request: int) -> str:
    """Write a ``publish`` frame.

    Raises:
        TypeError, ValueError: the data has no JSON form.
    """
    frame = {"type": "publish", "channel": channel, "event": event, "data": data, "id": request}
    return _write(frame)


def ping_frame() -> str:
    """Write a ``ping`` frame."""
    return _write({"type": "ping"})


def read_frame(text: str) -> Frame | None:
    """Read a frame of the gateway; None where the text is none.

    Python would read ``NaN`` and ``Infinity`` too, which are not JSON, and break timers.
    """
    try:
        frame = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, dict) else None


def is_publication(frame: Frame) -> bool:
    """Return whether a frame is a publication, the only kind without a type."""
    return "type" not in frame and isinstance(frame.get("channel"), str) and "data" in frame


def message_of(publication: Frame) -> Message:
    """Convert a publication.

    A payload ``{"event":…,"data":…}`` is unwrapped. Any other payload is the data of the event
    ``message``.
    """
    payload, offset = publication["data"], publication.get("offset") or None
    if not _is_named(payload):
        return Message("message", payload, publication["channel"], offset)
    sender = payload.get("from")
    return Message(
        payload["event"],
        payload["data"],
        publication["channel"],
        offset,
        sender if isinstance(sender, str) else None,
    )


def without_reserved_name(message: Message) -> Message:
    """Rename an event that another program published under a reserved name, as browsers do."""
    if message.event not in RESERVED_EVENTS:
        return message
    return Message("message", message.data, message.channel, message.offset, message.sender)


def presence_of(channel: str, frame: Frame) -> Presence:
    """Read the answer to ``presence``."""
    users, anonymous = frame.get("users"), frame.get("anonymous")
    return Presence(
        channel,
        users if isinstance(users, dict) else {},
        anonymous if isinstance(anonymous, int) else 0,
        object_of(frame, "data"),
        object_of(frame, "page_data"),
        count if isinstance(count := frame.get("count"), int) else None,
    )


def joined_of(frame: Frame) -> Joined:
    """Read a ``join``."""
    return Joined(frame["channel"], str(frame.get("user")), object_of(frame, "data"))


def presence_changed_of(frame: Frame) -> PresenceChanged:
    """Read a ``presence_changed``."""
    pages = frame.get("page_data")
    return PresenceChanged(
        frame["channel"],
        str(frame.get("user")),
        object_of(frame, "data") if "data" in frame else None,
        [page for page in pages if isinstance(page, dict)] if isinstance(pages, list) else None,
    )


def object_of(frame: Frame, name: str) -> dict[str, Any]:
    """Return an object in a frame; empty where there is none."""
    found = frame.get(name)
    return found if isinstance(found, dict) else {}


def heartbeat_of(welcome: Frame) -> float:
    """Return the seconds between two heartbeats of the gateway, or the usual ones."""
    heartbeat_s = welcome.get("heartbeat")
    is_known = isinstance(heartbeat_s, int | float) and 0 < heartbeat_s <= LONGEST_HEARTBEAT_S
    return float(heartbeat_s) if is_known else DEFAULT_HEARTBEAT_S  # type: ignore[arg-type]


def automatic_channels_of(welcome: Frame) -> dict[str, Any]:
    """Return the positions of the channels to which the gateway has subscribed the connection."""
    channels = welcome.get("channels")
    return channels if isinstance(channels, dict) else {}


def _is_named(payload: Any) -> bool:
    is_object = isinstance(payload, dict)
    return is_object and isinstance(payload.get("event"), str) and "data" in payload


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _write(frame: Mapping[str, Any]) -> str:
    text = json.dumps(frame, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    text.encode()  # A lone surrogate raises here, at the caller. The socket could not send it.
    return text
