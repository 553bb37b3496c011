"""Who waits to hear a channel, and what he is told when he does. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from .connection import Connection, Identity, State
from .errors import BrokerUnavailable
from .wire import messages
from .wire.publication import Position

MAX_OFFSET = 2**53
"""JavaScript and Lua count no further."""

_NOWHERE: Position = ("", 0)


class Standing(NamedTuple):
    """Where a channel goes on from for a newcomer.

    Args:
        position: the next sequenced publication has the offset after this one; None without a
            history.
        is_recovered: None when he did not ask.
    """

    position: Position | None = None
    is_recovered: bool | None = None

    def to_fields(self) -> dict[str, Any]:
        """Give what a frame says of it."""
        return messages.position(self.position, self.is_recovered)


class Newcomer(Protocol):
    """Who waits to hear a channel."""

    @property
    def since(self) -> Position | None:
        """Up to where he has heard the channel already."""

    @property
    def room_bytes(self) -> int:
        """How much he may be given of what he missed."""

    def welcome(self, standing: Standing, missed_bytes: int) -> None:
        """Tell him that he hears the channel; what he missed follows within the same turn."""

    def turn_away(self, error: BrokerUnavailable) -> None:
        """Tell him that he cannot be given the channel now."""

    def forget(self) -> None:
        """He has left."""


class Unasked:
    """A newcomer who is told nothing."""

    since: Position | None = None
    room_bytes = 0

    def welcome(self, standing: Standing, missed_bytes: int) -> None:
        """Say nothing."""

    def turn_away(self, error: BrokerUnavailable) -> None:
        """Say nothing."""

    def forget(self) -> None:
        """Have nothing to forget."""


class Announcement:
    """A channel for a connection that is open: asked for, or newly given.

    Args:
        connection: is told.
        channel: its name.
        room_bytes: how much of what it missed it may be given.
        asked: the frame that asked; None: the channel is given.
    """

    def __init__(
        self,
        connection: Connection,
        channel: str,
        room_bytes: int,
        asked: messages.Subscribe | None = None,
    ) -> None:
        since = asked.recover if asked else None
        self.since = None if since is None else _checked(since)
        self.room_bytes = room_bytes
        self._connection = connection
        self._channel = channel
        self._asked = asked

    def welcome(self, standing: Standing, missed_bytes: int) -> None:
        """Confirm the channel."""
        reply_to = self._asked.id if self._asked else None
        frame = messages.subscribed(self._channel, reply_to, standing.to_fields())
        self._connection.send(frame)

    def turn_away(self, error: BrokerUnavailable) -> None:
        """Refuse the channel if it was asked for; else it is given at the next look."""
        if self._asked and self._connection.state is State.OPEN:
            answer = messages.error("unavailable", "try again later", self._asked.id)
            self._connection.send(answer)

    def forget(self) -> None:
        """Have nothing to forget."""


class Arrival:
    """A connection that is being checked, and all the channels that it will hear.

    Args:
        connection: whose arrival it is.
        identity: whose connection it is; names the channels.
        recover: up to where it has heard some of them.
        room_bytes: how much of what it missed it may be given, all channels together.
        on_settled: is told once, when each channel is heard or was left, or cannot be given now;
            within the hub's work.

    ``standings`` tells where the channels stand; ``error`` why one cannot be given.
    """

    __slots__ = (
        "_awaited",
        "_on_settled",
        "connection",
        "error",
        "identity",
        "newcomers",
        "room_bytes",
        "standings",
    )

    def __init__(
        self,
        connection: Connection,
        identity: Identity,
        recover: Mapping[str, Position],
        room_bytes: int,
        on_settled: "Callable[[Arrival], None]",
    ) -> None:
        self.connection = connection
        self.identity = identity
        self.room_bytes = room_bytes
        self.error: BrokerUnavailable | None = None
        self.standings: dict[str, Standing] = {}
        self.newcomers = {
            channel: _Arriving(self, channel, recover.get(channel)) for channel in identity.channels
        }
        self._awaited = set(self.newcomers)
        self._on_settled = on_settled

    def settle(self, channel: str) -> None:
        """Wait for a channel no more."""
        if channel in self._awaited:
            self._awaited.remove(channel)
            if not self._awaited:
                self._on_settled(self)

    def fail(self, error: BrokerUnavailable) -> None:
        """Wait for nothing more."""
        if self._awaited:
            self._awaited.clear()
            self.error = error
            self._on_settled(self)


class _Arriving:
    """One channel of an arrival."""

    __slots__ = ("_arrival", "_channel", "since")

    def __init__(self, arrival: Arrival, channel: str, since: Position | None) -> None:
        self.since = None if since is None else _checked(since)
        self._arrival = arrival
        self._channel = channel

    @property
    def room_bytes(self) -> int:
        return self._arrival.room_bytes

    def welcome(self, standing: Standing, missed_bytes: int) -> None:
        self._arrival.room_bytes -= missed_bytes
        self._arrival.standings[self._channel] = standing
        self._arrival.settle(self._channel)

    def turn_away(self, error: BrokerUnavailable) -> None:
        self._arrival.fail(error)

    def forget(self) -> None:
        self._arrival.settle(self._channel)


def _checked(position: Position) -> Position:
    return position if position[0] and 0 <= position[1] < MAX_OFFSET else _NOWHERE
