"""Who waits to hear a channel, and what he is told when he does. Pure but for one future."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .connection import Connection, State
from .errors import BrokerUnavailable
from .wire import messages
from .wire.messages import Position

MAX_OFFSET = 2**53
"""JavaScript and Lua count no further."""

_NOWHERE: Position = ("", 0)


@dataclass(frozen=True, slots=True)
class Standing:
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
        channels: their names.
        recover: up to where it has heard some of them.
        room_bytes: how much of what it missed it may be given, all channels together.
    """

    def __init__(
        self, channels: Iterable[str], recover: Mapping[str, Position], room_bytes: int
    ) -> None:
        self.room_bytes = room_bytes
        self.standings: dict[str, Standing] = {}
        self.newcomers = {
            channel: _Arriving(self, channel, recover.get(channel)) for channel in channels
        }
        self._awaited = set(self.newcomers)
        self._complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def complete(self) -> dict[str, Standing]:
        """Wait until every channel is heard, or was left; give where they stand.

        Raises:
            BrokerUnavailable: one cannot be given now.
        """
        if self._awaited:
            await self._complete
        return self.standings

    def settle(self, channel: str) -> None:
        """Wait for a channel no more."""
        self._awaited.discard(channel)
        if not self._awaited and not self._complete.done():
            self._complete.set_result(None)

    def fail(self, error: BrokerUnavailable) -> None:
        """Give up all."""
        if not self._complete.done():
            self._complete.set_exception(error)


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
