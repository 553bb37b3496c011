"""Decodes and encodes the frames of ``contract.py``.

Frames of the client are decoded strictly. Frames of the gateway are encoded as UTF-8 bytes. The
frames of RFC 6455, which carry them, are in ``websocket/frames.py``.
"""

from collections.abc import Mapping
from math import inf
from typing import Any, Union

import msgspec

from . import contract
from .contract import ClientFrame, FrameId, GatewayFrame, Move, Position, Publish, SetPresence
from .errors import FrameError
from .presence import PresenceData
from .surrogates import replace_lone_surrogates
from .tenants import SEPARATOR, without_tenant

_client_frames: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(
    Union[contract.CLIENT_FRAMES]  # noqa: UP007  -- of a tuple
)


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


_encode = msgspec.json.Encoder().encode


def write(frame: GatewayFrame) -> bytes:
    """Encode a frame of the gateway, without tenants in ``channel`` and ``user``."""
    for name in ("channel", "user"):
        value = getattr(frame, name, None)
        if value and SEPARATOR in value:
            setattr(frame, name, without_tenant(value))
    return _encode(frame)


MOVED = write(contract.Moved())
"""The first frame on a WebSocket that has taken over a connection."""

Crowd = Mapping[str, Any]
"""``audience``: pages that receive the same; ``within``: seconds; ``pages``: of the channel."""

NO_CROWD: Crowd = {}


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
    at = None if expires is None else int(expires)
    return write(contract.Connected(connection, user, channels, at, rights, heartbeat))


def refreshed(
    user: str | None,
    expires: float | None,
    reply_to: FrameId = None,
    rights: str = "",
    crowd: Crowd | None = None,
) -> bytes:
    """Confirm a fresh token, or notify of another user or other ``rights`` (see ``connected``)."""
    at = None if expires is None else int(expires)
    return write(contract.Refreshed(user, at, rights, reply_to, **(crowd or {})))


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
    answer = contract.PresenceAnswer(
        channel=channel, users={}, anonymous=anonymous, reply_to=reply_to
    )
    if len(users) > limit:
        answer.count = len(users)
        return write(answer)
    answer.users = {without_tenant(uid): count for uid, count in users.items()}
    if data is not None:
        answer.data = {without_tenant(uid): msgspec.Raw(one) for uid, one in data.users.items()}
        answer.page_data = {
            without_tenant(uid): [*map(msgspec.Raw, pages)] for uid, pages in data.pages.items()
        }
        answer.data_truncated = None if data.is_complete else True
    return write(answer)


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
