"""What a client receives: messages, and changes of its connection and its channels."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class State(Enum):
    """The state of a client."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    INTERRUPTED = "interrupted"
    """Connected, but the gateway has no Redis: nothing can arrive."""
    WAITING = "waiting"
    """Until the next attempt."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Message:
    """One publication.

    Args:
        event: the name that the publisher gave it.
        data: any JSON value.
        channel: on which it was published.
        offset: in the channel's history; None for a plain publication.
        sender: primary key of the user who published it from a client; None for the server's.
    """

    event: str
    data: Any
    channel: str
    offset: int | None = None
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Publications on a channel may have been lost: read the state again.

    Args:
        channel: its name.
        within_s: read it at a random moment within this time, because many clients have this
            gap; None: the gateway has named no time.
    """

    channel: str
    within_s: float | None = None


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The client receives the channel from now on.

    Args:
        channel: its name.
        is_recovered: whether what was requested follows; None where nothing was, since there was
            no former position.
    """

    channel: str
    is_recovered: bool | None = None


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """The client does not receive the channel any more.

    Args:
        channel: its name.
        code: an error code of docs/protocol.md where it was rejected; empty otherwise.
        message: for people.
    """

    channel: str
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Joined:
    """The first connection of a user has subscribed to a channel.

    Args:
        channel: its name.
        user: primary key.
        data: what Django says about the user, where the namespace has ``presence_data``.
    """

    channel: str
    user: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Left:
    """The last connection of a user has left a channel."""

    channel: str
    user: str


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """The data of a user on a channel has changed.

    Args:
        channel: its name.
        user: primary key.
        data: what Django says about the user now; None: it has not changed.
        page_data: what the user's pages and programs say now; None: it has not changed.
    """

    channel: str
    user: str
    data: dict[str, Any] | None = None
    page_data: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """The answer to a request for presence.

    Args:
        channel: its name.
        users: numbers of connections, by primary key.
        anonymous: the number of connections of visitors.
        data: what Django says about each user, where the namespace has ``presence_data``.
        page_data: what the pages and programs of each user say.
        count: how many users there are, where they are too many to be named: ``users`` is empty.
            Else None.
    """

    channel: str
    users: dict[str, int]
    anonymous: int
    data: dict[str, dict[str, Any]] = field(default_factory=dict)
    page_data: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    count: int | None = None


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The client has another state.

    Args:
        state: from now on.
        code: a close code or an HTTP status, where the client waits or is closed.
        reason: for people.
        wait_s: until the next attempt.
    """

    state: State
    code: int = 0
    reason: str = ""
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class UserChanged:
    """The connection has become another user's; None is a visitor."""

    user: str | None
    former: str | None


@dataclass(frozen=True, slots=True)
class FrameRejected:
    """The gateway rejected a frame that was no request."""

    code: str
    message: str


Event = (
    Message
    | Gap
    | Subscribed
    | Unsubscribed
    | Joined
    | Left
    | PresenceChanged
    | StateChanged
    | UserChanged
    | FrameRejected
)
