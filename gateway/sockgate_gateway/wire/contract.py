"""The contract between client and gateway: every frame, once.

A class is a frame: its tag is the ``type``, its attributes are the members, its docstring is what
docs/protocol.md says of it. A member without a default is required; one whose value is its default
is not sent. From this table come the decoder of the gateway and what it encodes (``protocol.py``),
the browser client's checks and types, the tables of docs/protocol.md, the test vectors and the
seeds of the fuzzers. After a change, ``make contract`` writes them. Close codes are in
``closecodes.py``, names of events in ``events.py``; publications have no type (``publication.py``).
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import msgspec

from .limits import (
    MAX_CHANNEL_LENGTH,
    MAX_DATA_BYTES,
    MAX_EVENT_LENGTH,
    MAX_TOKEN_LENGTH,
)

ERROR_CODES = {
    "not_allowed": "Django, the namespace or the gateway does not allow it.",
    "bad_channel": "It is not a channel name.",
    "bad_event": "The event does not begin with `client-`, or is too long.",
    "bad_data": "It is not an object, or too large.",
    "too_many_channels": "The connection has too many channels.",
    "too_many": "Publications of this user, or presence beyond the user's budget of bytes. "
    "Try again later.",
    "unavailable": "Try again later: Redis does not answer, or this user has named too many new "
    "channels of public namespaces.",
    "not_supported": "This gateway has no such function.",
}
"""The ``code`` of an ``error`` frame."""

RIGHTS_CHANGED = "rights_changed"
"""The reason of ``unsubscribed``: the grant was issued before the user's rights changed."""

Position = tuple[str, int]
"""A position in a channel's history: epoch, offset."""

Recover = Position | int | str
"""See ``recover.py``. With constraints in the type, msgspec 0.22 reads beyond it."""

FrameId = int | str | None
"""The ``id`` of a client's frame; the answer carries it as ``reply_to``."""


@dataclass(frozen=True)
class Value:
    """How the documents write a member's value.

    Args:
        says: what the documents and the types say of it.
        form: its placeholder in docs/protocol.md; empty: ``<n>`` of a number, ``<seconds>`` of a
            float, and the member's name of anything else.
        limit: of its length, in words.
        since: the version that has added it to its frame; empty: it came with the frame.
    """

    says: str = ""
    form: str = ""
    limit: str = ""
    since: str = ""


Channel = Annotated[str, Value(limit=f"1 to {MAX_CHANNEL_LENGTH} characters")]
Token = Annotated[str, Value(limit=f"{MAX_TOKEN_LENGTH:,} characters")]
Uid = Annotated[str, Value(form="<uid>")]
UidOrNull = Annotated[str | None, Value(form="<uid or null>")]
Expires = Annotated[int | None, Value(form="<unix seconds or null>")]
Rights = Annotated[str, Value("The name of the user's rights. Absent for a visitor.", "<name>")]
Epoch = Annotated[str | None, Value("Of the history. Absent where the channel has none.")]
Offset = Annotated[int | None, Value("Of the newest publication.")]
Touched = Annotated[
    int | None,
    Value(
        "The channel's touch mark now; absent: unknown. A page "
        "that was rendered at this mark has missed no touch.",
        "<mark>",
    ),
]
CrowdSize = Annotated[
    int | None,
    Value(
        "About how many pages receive the same at this moment: after a lost link, all connections "
        "of all workers."
    ),
]
Within = Annotated[
    float | None,
    Value(
        "Ask Django for something at a random moment within this time, in seconds: `audience` / "
        "`SOCKGATE_LIVE_RATE`, at least 3 where many are concerned, 120 at most."
    ),
]
ReplyTo = Annotated[FrameId, Value("The `id` of the frame that it answers.", "<id>")]


class ClientFrame(msgspec.Struct, tag_field="type", omit_defaults=True, kw_only=True):
    """A frame that a client sends."""

    since: ClassVar[str] = ""
    """The version that has added it; empty: 0.1."""

    id: FrameId = None


class Connect(ClientFrame, tag="connect"):
    """The first frame, within ``SOCKGATE_CONNECT_TIMEOUT`` seconds; ``recover`` may be absent."""

    token: Token
    recover: Annotated[dict[str, Recover], Value(form="{<channel>:<recover>}")] = {}


class Ping(ClientFrame, tag="ping"):
    """Ask for a ``pong``, at will."""


class Refresh(ClientFrame, tag="refresh"):
    """Show a fresh token on a live connection, at will or on request."""

    token: Token


class Subscribe(ClientFrame, tag="subscribe"):
    """Subscribe to a channel on request.

    It needs a ``grant`` unless its namespace is public; ``recover`` may be absent.
    """

    channel: Channel
    grant: Annotated[str | None, Value(limit=f"{MAX_TOKEN_LENGTH:,} characters")] = None
    recover: Recover | None = None


class Unsubscribe(ClientFrame, tag="unsubscribe"):
    """Leave such a channel."""

    channel: Channel


class Presence(ClientFrame, tag="presence"):
    """Request the presence of a channel."""

    channel: Channel


class SetPresence(ClientFrame, tag="set_presence"):
    """Set what presence shows of this connection; ``null`` removes it.

    The namespace must have ``"presence_data":"subscribers"``. It counts as ten frames.
    """

    channel: Channel
    data: Annotated[msgspec.Raw, Value("", "<object or null>", f"{MAX_DATA_BYTES:,} bytes as JSON")]


class Publish(ClientFrame, tag="publish"):
    """Publish on a channel to which the client is subscribed.

    The namespace must have ``"publish":"subscribers"``. It counts as ten frames.
    """

    channel: Channel
    event: Annotated[str, Value("", '"client-<name>"', f"{MAX_EVENT_LENGTH} characters in all")]
    data: Annotated[msgspec.Raw, Value(form="<anything>")]


class Move(msgspec.Struct, tag="move", tag_field="type", frozen=True):
    """The first frame of a WebSocket that takes over the connection of a SockJS session."""

    session: str
    secret: str


class GatewayFrame(msgspec.Struct, tag_field="type", omit_defaults=True, gc=False):
    """A frame that the gateway sends; ``channel`` and ``user`` without their tenant."""

    since: ClassVar[str] = ""


class Connected(GatewayFrame, tag="connected"):
    """Welcome: the connection is subscribed to these channels from now on.

    A channel with a history carries ``epoch`` and ``offset``; one with requested recovery carries
    ``recovered``, true or false; one whose newcomers receive the newest publication carries
    ``"state":"latest"``. Missed or newest publications follow, then new ones.
    """

    connection: Annotated[str, Value(form="<id>")]
    user: UidOrNull
    channels: Annotated[dict[str, Any], Value(form="{<channel>:{…}}")]
    expires: Expires
    rights: Rights = ""
    heartbeat: Annotated[float | None, Value("`SOCKGATE_HEARTBEAT`.")] = None


class Subscribed(GatewayFrame, tag="subscribed"):
    """The connection is subscribed to a channel, on request or because it was assigned."""

    channel: Channel
    epoch: Epoch = None
    offset: Offset = None
    recovered: Annotated[bool | None, Value("Absent unless recovery was requested.")] = None
    state: Annotated[str | None, Value("The newest publication follows.", '"latest"')] = None
    touched: Touched = None
    audience: CrowdSize = None
    within: Within = None
    pages: Annotated[int | None, Value("About how many connections it has in all workers.")] = None
    reply_to: ReplyTo = None


class Unsubscribed(GatewayFrame, tag="unsubscribed"):
    """The subscription has ended, on request, or because the right was revoked.

    With ``"reason":"rights_changed"``, its grant was issued before the user's rights changed: fetch
    a fresh one from Django as ``within`` says, and subscribe from the last position received.
    """

    channel: Channel
    reason: Annotated[str | None, Value("Absent: for another reason.", '"rights_changed"')] = None
    audience: CrowdSize = None
    within: Within = None
    reply_to: ReplyTo = None


class RefreshWanted(GatewayFrame, tag="refresh"):
    """The anonymous visitor's session is now a user's.

    Fetch a fresh token from Django at once, with the browser's own cookie, and send it in a
    ``refresh``. Where Django answers 503, the new cookie is still on its way: try again. The
    connection then is the user's. Without a token it is closed after this time, with 4402.
    """

    within: float


class Refreshed(GatewayFrame, tag="refreshed"):
    """The connection goes on.

    It may have another user, when an anonymous visitor has logged in and shown the user's token.
    It may have other rights: where ``rights`` has changed, channels that Django denied may be
    requested again.
    """

    user: UidOrNull
    expires: Expires
    rights: Rights = ""
    reply_to: ReplyTo = None
    audience: CrowdSize = None
    within: Within = None


class Gap(GatewayFrame, tag="gap"):
    """Publications on this channel may have been lost: read the state again.

    It has ``epoch`` and ``offset`` where the channel goes on from another position.
    """

    channel: Channel
    epoch: Epoch = None
    offset: Offset = None
    touched: Touched = None
    audience: CrowdSize = None
    within: Within = None


class Skipped(GatewayFrame, tag="skipped"):
    """A sequenced publication that this connection does not receive, because it has made it.

    Raise the offset, as with a publication. The first one of an epoch names it, too:
    ``"epoch":<epoch>,"offset":1``.
    """

    channel: Channel
    offset: int
    epoch: Epoch = None


class Interrupted(GatewayFrame, tag="interrupted"):
    """The gateway has been without Redis for a second: nothing arrives until ``resumed``."""


class Resumed(GatewayFrame, tag="resumed"):
    """Redis is back; a ``gap`` follows for each channel that may have lost something."""


class PresenceAnswer(GatewayFrame, tag="presence", kw_only=True):
    """The users on the channel; with ``data`` where the namespace has ``presence_data``."""

    channel: Channel
    users: Annotated[
        dict[str, int],
        Value("Number of connections of each user, by primary key.", "{<uid>:<connections>}"),
    ]
    count: Annotated[
        int | None,
        Value("How many users, where they are more than `presence_limit`: `users` is empty then."),
    ] = None
    anonymous: Annotated[int, Value("Number of connections of visitors without a login.")]
    data: Annotated[
        dict[str, msgspec.Raw] | None,
        Value("What Django says about each user.", "{<uid>:<object>}"),
    ] = None
    page_data: Annotated[
        dict[str, list[msgspec.Raw]] | None,
        Value("What the connections of each user say.", "{<uid>:[<object>,…]}"),
    ] = None
    data_truncated: Annotated[
        bool | None, Value("The data of some users is left out (256 users, 64 KiB).", "true")
    ] = None
    reply_to: ReplyTo = None


class Join(GatewayFrame, tag="join"):
    """A user's first connection has subscribed."""

    channel: Channel
    user: Uid
    data: Annotated[msgspec.Raw | None, Value("What Django says of the user.", "<object>")] = None


class Leave(GatewayFrame, tag="leave"):
    """A user's last connection has left.

    The leave of a user who comes and goes again and again is held, and is not sent where the user
    is back.
    """

    channel: Channel
    user: Uid


class PresenceChanged(GatewayFrame, tag="presence_changed"):
    """The data of a user has changed, in namespaces with ``join_leave``. It may come twice."""

    channel: Channel
    user: Uid
    data: Annotated[
        msgspec.Raw | None,
        Value("What Django says now, null: nothing; absent: no change.", "<object or null>"),
    ] = None
    page_data: Annotated[
        msgspec.Raw | None,
        Value("What the user's pages say now; absent: no change.", "[<object>,…]"),
    ] = None


class PresenceSet(GatewayFrame, tag="presence_set"):
    """An answer to ``set_presence``."""

    channel: Channel
    reply_to: ReplyTo = None


class Published(GatewayFrame, tag="published"):
    """Redis has accepted a publication.

    The publisher receives the publication itself, too. After ``unavailable``, or no answer, it is
    unknown whether Redis has it.
    """

    channel: Channel
    offset: Annotated[int, Value("Of a sequenced publication alone.")] = 0
    reply_to: ReplyTo = None


class Pong(GatewayFrame, tag="pong"):
    """An answer to a ping.

    It may overtake publications that the gateway holds back; of the other answers, only ``error``
    may.
    """

    reply_to: ReplyTo = None


class Drain(GatewayFrame, tag="drain"):
    """This gateway is about to stop: come back at a random moment within this time, in seconds."""

    within: float


class Rejection(GatewayFrame, tag="error"):
    """One frame was rejected; the connection goes on."""

    code: str
    message: Annotated[str, Value(form="<text>")]
    reply_to: ReplyTo = None
    channel: Annotated[str | None, Value("Of a rejected request about presence.")] = None
    revoked: Annotated[
        bool | None,
        Value(
            "The grant is a good one, but since it was issued the channel was revoked, or the "
            "user's rights have changed.",
            "true",
        ),
    ] = None
    audience: CrowdSize = None
    within: Within = None


class Moved(GatewayFrame, tag="moved"):
    """The connection goes on here, and its session over HTTP ends."""


CLIENT_FRAMES = tuple(ClientFrame.__subclasses__())
GATEWAY_FRAMES = tuple(GatewayFrame.__subclasses__())
