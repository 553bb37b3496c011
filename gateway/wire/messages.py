"""Frames between browser and gateway, all but publications.

A frame is one JSON object with a ``type``. Whatever a client sends is decoded here, strictly, into
one of the classes of ``ClientFrame``. Frames from the gateway leave here as UTF-8 bytes.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from .errors import FrameError
from .publication import Position

FrameId = int | str | None
"""What a client put in ``id``; the answer carries it as ``reply_to``."""


class Connect(msgspec.Struct, tag="connect", tag_field="type", frozen=True):
    """The first frame: who I am, and up to where I have heard each channel."""

    token: str
    recover: dict[str, Position] = {}
    id: FrameId = None


class Subscribe(msgspec.Struct, tag="subscribe", tag_field="type", frozen=True):
    """Ask for a channel that is not automatic; ``grant`` unless its namespace is public."""

    channel: str
    grant: str | None = None
    recover: Position | None = None
    id: FrameId = None


class Unsubscribe(msgspec.Struct, tag="unsubscribe", tag_field="type", frozen=True):
    """Leave a channel."""

    channel: str
    id: FrameId = None


class Refresh(msgspec.Struct, tag="refresh", tag_field="type", frozen=True):
    """Show a fresh token on a live connection."""

    token: str
    id: FrameId = None


class Presence(msgspec.Struct, tag="presence", tag_field="type", frozen=True):
    """Ask who is in a channel."""

    channel: str
    id: FrameId = None


class Publish(msgspec.Struct, tag="publish", tag_field="type", frozen=True):
    """Publish on a channel that the browser hears."""

    channel: str
    event: str
    data: msgspec.Raw
    id: FrameId = None


class Ping(msgspec.Struct, tag="ping", tag_field="type", frozen=True):
    """Ask for a sign of life."""

    id: FrameId = None


ClientFrame = Connect | Subscribe | Unsubscribe | Refresh | Presence | Publish | Ping

_client_frames: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)


def read_client_frame(text: str) -> ClientFrame:
    """Decode what a client sent.

    Raises:
        FrameError: it is not JSON, not a known frame, or a field has the wrong type.
    """
    try:
        return _client_frames.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise FrameError(str(error)[:200]) from error


def _frame(frame_type: str, **fields: Any) -> bytes:
    present = {name: value for name, value in fields.items() if value is not None}
    return msgspec.json.encode({"type": frame_type, **present})


RIGHTS_CHANGED = "rights_changed"
"""Why a channel was taken away: its grant was issued before the user's rights changed."""


def connected(
    connection: str,
    user: str | None,
    channels: dict[str, Any],
    expires: int | None,
    rights: str = "",
) -> bytes:
    """Welcome a connection.

    Args:
        connection: its public id.
        user: the pk as text, or None for an anonymous visitor.
        channels: every channel that it hears now, each with its ``position``.
        expires: Unix seconds at which the Django session ends, if it does.
        rights: names what the user may do: another name, and what was refused may be given now.
    """
    fields = {"type": "connected", "connection": connection, "user": user, "channels": channels}
    return msgspec.json.encode({**fields, "expires": expires, **_named(rights)})


def error(code: str, message: str, reply_to: FrameId = None) -> bytes:
    """Refuse one frame and keep the connection; ``code`` is for programs."""
    return _frame("error", code=code, message=message, reply_to=reply_to)


def position(at: Position | None, is_recovered: bool | None = None) -> dict[str, Any]:
    """Say where a channel goes on from: ``{"epoch":…,"offset":…,"recovered":…}``.

    The next sequenced publication of the channel has the offset after this one, so a recovered
    channel has the position that the client gave, and what it missed follows as publications.

    Args:
        at: None when the channel has no history.
        is_recovered: None when the client did not ask; False: what it missed is lost, and its
            own position with it.
    """
    fields: dict[str, Any] = {} if at is None else {"epoch": at[0], "offset": at[1]}
    return fields if is_recovered is None else {**fields, "recovered": is_recovered}


def subscribed(
    channel: str, reply_to: FrameId = None, at: Mapping[str, Any] | None = None
) -> bytes:
    """Confirm a channel, asked for or newly given, with its ``position``."""
    return _frame("subscribed", channel=channel, **(at or {}), reply_to=reply_to)


def unsubscribed(channel: str, reply_to: FrameId = None, reason: str | None = None) -> bytes:
    """Confirm that a channel was left, or say that it was taken away.

    With the reason ``RIGHTS_CHANGED``, Django may give it again: ask for a fresh grant at once.
    """
    return _frame("unsubscribed", channel=channel, reason=reason, reply_to=reply_to)


def refreshed(
    user: str | None, expires: int | None, reply_to: FrameId = None, rights: str = ""
) -> bytes:
    """Confirm a fresh token, or tell of another user or other ``rights`` (see ``connected``)."""
    fields = {"type": "refreshed", "user": user, "expires": expires, **_named(rights)}
    return msgspec.json.encode(fields if reply_to is None else {**fields, "reply_to": reply_to})


def refresh(within_s: float) -> bytes:
    """Ask for a fresh token, for the session is another user's by now; else it ends."""
    return _frame("refresh", within=within_s)


def _named(rights: str) -> dict[str, str]:
    return {"rights": rights} if rights else {}


def pong(reply_to: FrameId = None) -> bytes:
    """Answer a ping."""
    return _frame("pong", reply_to=reply_to)


def gap(channel: str, at: Position | None = None) -> bytes:
    """Say that messages on a channel may have been lost, and where it goes on from."""
    return _frame("gap", channel=channel, **position(at))


def presence(
    channel: str, users: Mapping[str, int], anonymous: int, reply_to: FrameId = None
) -> bytes:
    """Tell who is on a channel: connections by uid, and those of anonymous visitors."""
    return _frame("presence", channel=channel, users=users, anonymous=anonymous, reply_to=reply_to)


def published(channel: str, offset: int, reply_to: FrameId = None) -> bytes:
    """Confirm a publication of a browser; a plain one has the offset 0, which is left out."""
    return _frame("published", channel=channel, offset=offset or None, reply_to=reply_to)


def joined(channel: str, user: str) -> bytes:
    """Tell that a user has come to a channel."""
    return _frame("join", channel=channel, user=user)


def left(channel: str, user: str) -> bytes:
    """Tell that a user has left a channel with his last connection."""
    return _frame("leave", channel=channel, user=user)


def interrupted() -> bytes:
    """Say that nothing can arrive from now on, though the connection stands."""
    return _frame("interrupted")


def resumed() -> bytes:
    """Say that it can again; a ``gap`` follows for each channel that may have lost something."""
    return _frame("resumed")


def drain(within_s: float) -> bytes:
    """Ask a client to come back elsewhere, at a random moment within so many seconds."""
    return _frame("drain", within=within_s)
