"""Control messages: Django notifies every worker of ended sessions, rights and other changes.

Each message is one JSON object on ``Names.control``, with an ``op``. The gateway's audit repairs a
lost one, so Django waits for no answer. Only ``count_connections`` and ``ask`` are answered.
"""

import msgspec

from .errors import ControlError

OptionalJson = msgspec.Raw | msgspec.UnsetType
"""Any JSON value, as it was written."""


class RevokeSession(msgspec.Struct, tag="revoke_session", tag_field="op", frozen=True):
    """The session ended: close its connections."""

    sid: str


class RevokeUser(msgspec.Struct, tag="revoke_user", tag_field="op", frozen=True):
    """Every session of the user ended."""

    uid: str


class RevokeChannel(msgspec.Struct, tag="revoke_channel", tag_field="op", frozen=True):
    """The user may no longer subscribe to the channel."""

    uid: str
    channel: str


class Disconnect(msgspec.Struct, tag="disconnect", tag_field="op", frozen=True):
    """Close the connections of a user, whose sessions go on, or one of them by its id."""

    uid: str
    connection: str = ""


class UserChanged(msgspec.Struct, tag="user_changed", tag_field="op", frozen=True):
    """The user record changed: read it again, with every session of the user."""

    uid: str


class SessionMoved(msgspec.Struct, tag="session_moved", tag_field="op", frozen=True):
    """The session moved to another key (``cycle_key``); its connections follow.

    ``old == new``: the session itself changed, for example by a login, or now expires sooner. Its
    record must be read again. A new password reaches the user record a moment before the session
    record. So a digest that does not match is read a second time before connections are closed.
    """

    old: str
    new: str


class NamespacesChanged(msgspec.Struct, tag="namespaces_changed", tag_field="op", frozen=True):
    """The policies of the namespaces were written: read them again."""


class PresenceChanged(msgspec.Struct, tag="presence_changed", tag_field="op", frozen=True):
    """A user joined a channel, or left it with their last connection.

    ``data`` is what Django says about a user who joins; unset: nothing.
    """

    channel: str
    user: str
    is_present: bool
    data: OptionalJson = msgspec.UNSET


class PresenceDataChanged(msgspec.Struct, tag="presence_data", tag_field="op", frozen=True):
    """The data of a user on a channel has changed, or that of the user's pages, or both."""

    channel: str
    user: str
    data: OptionalJson = msgspec.UNSET
    page_data: OptionalJson = msgspec.UNSET


class UserDataChanged(msgspec.Struct, tag="user_data_changed", tag_field="op", frozen=True):
    """What Django says about a user in presence has changed."""

    uid: str


class CountConnections(msgspec.Struct, tag="count_connections", tag_field="op", frozen=True):
    """Each worker counts its connections on the channel and pushes the number to a Redis list.

    ``reply_to`` is the last part of the list's key, see ``Names.reply``.
    """

    channel: str
    reply_to: str


class Ask(msgspec.Struct, tag="ask", tag_field="op", frozen=True):
    """Each worker answers a question, which is signed (see ``inspection``)."""

    question: str


ControlMessage = (
    RevokeSession
    | RevokeUser
    | RevokeChannel
    | Disconnect
    | UserChanged
    | SessionMoved
    | NamespacesChanged
    | PresenceChanged
    | PresenceDataChanged
    | UserDataChanged
    | CountConnections
    | Ask
)

_control_messages: msgspec.json.Decoder[ControlMessage] = msgspec.json.Decoder(ControlMessage)


def write_control(message: ControlMessage) -> bytes:
    """Encode a control message."""
    return msgspec.json.encode(message)


def read_control(raw: bytes) -> ControlMessage:
    """Decode a control message.

    Raises:
        ControlError: it is not JSON, or not a known operation.
    """
    try:
        return _control_messages.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ControlError(str(error)[:200]) from error
