"""Which frames have content of a channel."""

import msgspec


class _Head(msgspec.Struct):
    type: str = ""
    channel: str = ""


_CONTENT = ("", "gap", "join", "leave", "presence", "presence_changed", "skipped")


def is_content(frame: bytes, channel: str) -> bool:
    """Return whether a frame has content that only subscribers of the channel may receive."""
    try:
        head = msgspec.json.decode(frame, type=_Head)
    except (msgspec.DecodeError, RecursionError):
        return True
    return head.channel == channel and head.type in _CONTENT
