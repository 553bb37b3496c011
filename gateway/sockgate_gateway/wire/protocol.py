"""The frames between client and gateway, except publications (``publication.py``).

A frame is one JSON object with a ``type``. Frames of the client are decoded strictly, into one of
the classes of ``ClientFrame``. Frames of the gateway are encoded as UTF-8 bytes. The frames of
RFC 6455, which carry them, are in ``websocket/frames.py``.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from .errors import FrameError
from .publication import Position
from .recover import Recover
from .surrogates import replace_lone_surrogates
from .tenants import SEPARATOR, without_tenant

FrameId = int | str | None
"""The ``id`` of a client's frame; the answer carries it as ``reply_to``."""


class Connect(msgspec.Struct, tag="connect", tag_field="type", frozen=True, omit_defaults=True):
    """The first frame: a token, and what to recover of each channel."""

    token: str
    recover: dict[str, Recover] = {}
    id: FrameId = None


class Subscribe(msgspec.Struct, tag="subscribe", tag_field="type", frozen=True, omit_defaults=True):
    """Subscribe to a channel; with a ``grant``, unless its namespace is public."""

    channel: str
    grant: str | None = None
    recover: Recover | None = None
    id: FrameId = None


class Unsubscribe(
    msgspec.Struct, tag="unsubscribe", tag_field="type", frozen=True, omit_defaults=True
):
    """Unsubscribe from a channel."""

    channel: str
    id: FrameId = None


class Refresh(msgspec.Struct, tag="refresh", tag_field="type", frozen=True, omit_defaults=True):
    """Show a fresh token on a live connection."""

    token: str
    id: FrameId = None


class Presence(msgspec.Struct, tag="presence", tag_field="type", frozen=True, omit_defaults=True):
    """Ask for the presence of a channel."""

    channel: str
    id: FrameId = None


class SetPresence(
    msgspec.Struct, tag="set_presence", tag_field="type", frozen=True, omit_defaults=True
):
    """Set the data of this connection on a channel; ``null`` removes it."""

    channel: str
    data: msgspec.Raw
    id: FrameId = None


class Publish(msgspec.Struct, tag="publish", tag_field="type", frozen=True, omit_defaults=True):
    """Publish on a subscribed channel."""

    channel: str
    event: str
    data: msgspec.Raw
    id: FrameId = None


class Ping(msgspec.Struct, tag="ping", tag_field="type", frozen=True, omit_defaults=True):
    """Ask for a ``pong``."""

    id: FrameId = None


ClientFrame = Connect | Subscribe | Unsubscribe | Refresh | Presence | SetPresence | Publish | Ping

_client_frames: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)


def read_client_frame(text: str) -> ClientFrame:
    """Decode a frame of a client.

    Raises:
        FrameError: it is not JSON, not a known frame, or a field has the wrong type.
    """
    try:
        return _client_frames.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        frame = _read_lone_surrogates(text)
        if frame is None:
            raise FrameError(str(error)[:200]) from error
        return frame


class Move(msgspec.Struct, tag="move", tag_field="type", frozen=True):
    """The first frame of a WebSocket that takes over the connection of a SockJS session."""

    session: str
    secret: str


MOVED = b'{"type":"moved"}'
"""The first frame on such a WebSocket."""

_moves = msgspec.json.Decoder(Move)


def read_move(text: str) -> Move | None:
    """Decode a ``move`` frame; None: it is another frame, or none at all."""
    if not text.startswith('{"type":"move"'):  # A connect costs no attempt.
        return None
    try:
        return _moves.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _read_lone_surrogates(text: str) -> Publish | SetPresence | None:
    """Decode a frame with escaped lone surrogates in its data, and in no other field.

    A publication keeps them. In the data of a page they remain replaced.
    """
    replaced = replace_lone_surrogates(text)
    if replaced == text:
        return None
    try:
        frame = _client_frames.decode(replaced)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if not isinstance(frame, Publish | SetPresence):
        return None
    restored = _restore_data(frame, text, replaced)
    return frame if restored and isinstance(frame, SetPresence) else restored


def _restore_data(
    frame: Publish | SetPresence, text: str, replaced: str
) -> Publish | SetPresence | None:
    data = bytes(frame.data).decode()
    start = replaced.find(data)
    end = start + len(data)
    if (text[:start], text[end:]) != (replaced[:start], replaced[end:]):
        return None
    return msgspec.structs.replace(frame, data=msgspec.Raw(text[start:end].encode()))


def frame(frame_type: str, **fields: Any) -> bytes:
    """Encode a frame; fields that are None are omitted."""
    present = {name: value for name, value in fields.items() if value is not None}
    if "channel" in present:
        present["channel"] = without_tenant(present["channel"])
    return msgspec.json.encode({"type": frame_type, **present})


Crowd = Mapping[str, float]
"""``audience``: pages that receive the same; ``within``: seconds; ``pages``: of the channel."""

NO_CROWD: Crowd = {}

RIGHTS_CHANGED = "rights_changed"
"""The reason of ``unsubscribed``: the grant was issued before the user's rights changed."""


def connected(
    connection: str,
    user: str | None,
    channels: dict[str, Any],
    expires: float | None,
    rights: str = "",
    heartbeat: float | None = None,
) -> bytes:
    """Confirm a connect.

    Args:
        connection: its public id.
        user: the pk as text, or None for an anonymous visitor.
        channels: every subscribed channel, each with the fields of its ``subscribed`` frame.
        expires: Unix seconds at which the Django session expires, if it does; rounded down.
        rights: a name for the user's rights. When it changes, a rejected subscription may succeed.
        heartbeat: seconds between two heartbeats of the gateway.
    """
    if SEPARATOR in next(iter(channels), ""):  # All are of one tenant.
        channels = {without_tenant(channel): at for channel, at in channels.items()}
        user = _plain_user(user)
    fields = {"type": "connected", "connection": connection, "user": user, "channels": channels}
    more = {} if heartbeat is None else {"heartbeat": heartbeat}
    return msgspec.json.encode({**fields, "expires": _whole(expires), **_named(rights), **more})


def error(code: str, message: str, reply_to: FrameId = None, channel: str | None = None) -> bytes:
    """Reject one frame and keep the connection; ``code`` is for programs."""
    return frame("error", code=code, message=message, reply_to=reply_to, channel=channel)


def position(at: Position | None, is_recovered: bool | None = None) -> dict[str, Any]:
    """Return the position of a channel: ``{"epoch":…,"offset":…,"recovered":…}``.

    The next sequenced publication of the channel has the following offset. A recovered channel has
    the client's own position, and the missed publications follow.

    Args:
        at: None when the channel has no history.
        is_recovered: None when the client sent no position. False: the missed publications are
            lost, and the client's position is void.
    """
    fields: dict[str, Any] = {} if at is None else {"epoch": at[0], "offset": at[1]}
    return fields if is_recovered is None else {**fields, "recovered": is_recovered}


def subscribed(
    channel: str,
    reply_to: FrameId = None,
    at: Mapping[str, Any] | None = None,
    crowd: Crowd = NO_CROWD,
) -> bytes:
    """Confirm a subscription, requested or automatic, with its ``position``."""
    return frame("subscribed", channel=channel, **(at or {}), **crowd, reply_to=reply_to)


def unsubscribed(
    channel: str,
    reply_to: FrameId = None,
    reason: str | None = None,
    crowd: Crowd = NO_CROWD,
) -> bytes:
    """Confirm an unsubscribe, or notify that a subscription ended.

    After the reason ``RIGHTS_CHANGED`` the client asks Django for a fresh grant.
    """
    return frame("unsubscribed", channel=channel, reason=reason, **crowd, reply_to=reply_to)


def refreshed(
    user: str | None, expires: float | None, reply_to: FrameId = None, rights: str = ""
) -> bytes:
    """Confirm a fresh token, or notify of another user or other ``rights`` (see ``connected``)."""
    expiry = {"expires": _whole(expires)}
    fields = {"type": "refreshed", "user": _plain_user(user), **expiry, **_named(rights)}
    return msgspec.json.encode(fields if reply_to is None else {**fields, "reply_to": reply_to})


def refresh(within_s: float) -> bytes:
    """Ask for a fresh token, because the session has another user; without one it is closed."""
    return frame("refresh", within=within_s)


def _plain_user(user: str | None) -> str | None:
    return None if user is None else without_tenant(user)


def _whole(expires: float | None) -> int | None:
    return None if expires is None else int(expires)


def _named(rights: str) -> dict[str, str]:
    return {"rights": rights} if rights else {}


def pong(reply_to: FrameId = None) -> bytes:
    """Answer a ping."""
    return frame("pong", reply_to=reply_to)


def gap(
    channel: str,
    at: Position | None = None,
    touched: int | None = None,
    crowd: Crowd = NO_CROWD,
) -> bytes:
    """Notify that publications on a channel may be missing, with the position after them."""
    return frame("gap", channel=channel, **position(at), touched=touched, **crowd)


def published(channel: str, offset: int, reply_to: FrameId = None) -> bytes:
    """Confirm a client's publication; a plain one has the offset 0, which is omitted."""
    return frame("published", channel=channel, offset=offset or None, reply_to=reply_to)


def interrupted() -> bytes:
    """Notify that nothing is delivered from now on, although the connection is open."""
    return frame("interrupted")


def resumed() -> bytes:
    """Notify that deliveries go on; a ``gap`` follows for each channel with possible losses."""
    return frame("resumed")


def drain(within_s: float) -> bytes:
    """Ask a client to reconnect elsewhere, at a random moment within so many seconds."""
    return frame("drain", within=within_s)
