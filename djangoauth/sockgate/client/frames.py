"""Frames of docs/protocol.md: writes what a client sends, and reads what it receives.

The classes of the frames that a client sends are in ``sockgate_gateway.wire.protocol``.
"""

import json
from typing import Any

import msgspec
from sockgate_gateway.wire.contract import ClientFrame
from sockgate_gateway.wire.events import RESERVED_EVENTS

from .events import Gap, Joined, Message, Presence, PresenceChanged

Frame = dict[str, Any]
Position = tuple[str, int]
"""Epoch and offset in a channel's history."""
Newest = int | str
"""How many of the newest publications a client without a position receives, or ``"all"``."""
Recover = Position | Newest

_write = msgspec.json.Encoder().encode


def write_frame(frame: ClientFrame) -> str:
    """Write a frame of a client."""
    return _write(frame).decode()


def write_data(data: Any) -> msgspec.Raw:
    """Write the data of a publication or of a presence.

    Raises:
        TypeError, ValueError: the data has no JSON form. A lone surrogate has none in UTF-8.
    """
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return msgspec.Raw(text.encode())


def read_frame(text: str) -> Frame | None:
    """Read a frame of the gateway; None where the text is none.

    ``msgspec`` would reject lone surrogates, which publications may have. Python's own reader takes
    ``NaN`` and ``Infinity``, which are not JSON, and break timers.
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
    anonymous = frame.get("anonymous")
    return Presence(
        channel,
        object_of(frame, "users"),
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


def seconds_of(frame: Frame, name: str, default_s: float) -> float:
    """Return a number of seconds above 0 in a frame, of which a timer can be made."""
    found = frame.get(name)
    is_known = isinstance(found, int | float) and 0 < found <= _LONGEST_S
    return float(found) if is_known else default_s  # type: ignore[arg-type]


def gap_of(channel: str, info: Frame) -> Gap:
    """Return the gap that a frame, or the channel's part of one, reports."""
    return Gap(channel, seconds_of(info, "within", 0) or None)


_LONGEST_S = 24 * 3600.0
"""A longer time in a frame is a mistake; a timer cannot be set to just any number of JSON."""


def _is_named(payload: Any) -> bool:
    is_object = isinstance(payload, dict)
    return is_object and isinstance(payload.get("event"), str) and "data" in payload


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
