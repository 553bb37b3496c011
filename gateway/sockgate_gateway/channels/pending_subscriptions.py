"""Pending subscriptions: connections that are about to be subscribed to a channel. Pure.

A subscription is pending until the channel is live. It ends in exactly one of three ways: the
channel confirms it, the history is not available, or the connection leaves before.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from ..connections.connection import Connection, Identity
from ..connections.replay_budget import ReplayRoom
from ..errors import BrokerUnavailable
from ..wire import contract, protocol
from ..wire.contract import Position, Recover
from ..wire.recover import MAX_OFFSET, newest_count

_NOWHERE: Position = ("", 0)
_NOTHING = (None, 0)


class SubscriptionResult(msgspec.Struct, frozen=True, gc=False):
    """The position of a channel for a connection that is subscribed from now on.

    Args:
        position: the next sequenced publication has the offset after this one; None without a
            history.
        is_recovered: whether what the client asked for follows; None when it asked for nothing.
        has_state: newcomers to the channel receive the newest publication.
        touched: the touch mark; None: unknown.
    """

    position: Position | None = None
    is_recovered: bool | None = None
    has_state: bool = False
    touched: int | None = None

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of a frame."""
        fields = protocol.position(self.position, self.is_recovered)
        if self.has_state:
            fields["state"] = "latest"
        if self.touched is not None:
            fields["touched"] = self.touched
        return fields


class PendingSubscription(Protocol):
    """A connection that waits until a channel is live."""

    @property
    def connection(self) -> Connection:
        """The connection that waits."""

    @property
    def channel(self) -> str:
        """The name of the channel."""

    @property
    def since(self) -> Position | None:
        """The last position that the client has received; None: it has received nothing."""

    @property
    def newest(self) -> int:
        """How many of the newest publications the client asks for, instead of a position."""

    @property
    def room(self) -> ReplayRoom:
        """How much of what the client missed may be delivered."""

    def confirm(self, result: SubscriptionResult) -> None:
        """Note that the connection is subscribed; missed publications follow in the same turn."""

    def fail(self, error: BrokerUnavailable) -> None:
        """Note that the connection cannot be subscribed now."""

    def cancel(self) -> None:
        """Note that the connection has left the channel, or must leave it."""


class SingleSubscription:
    """The subscription of an open connection to one channel, requested or automatic.

    Args:
        connection: receives the confirmation.
        channel: its name.
        room: how much of what it missed may be delivered.
        crowd: returns how many pages receive the same now, and how many the channel has.
        request: the ``subscribe`` frame; None: the channel is an automatic one.

    A second request for the channel is answered together with the first.
    """

    def __init__(
        self,
        connection: Connection,
        channel: str,
        room: ReplayRoom,
        crowd: Callable[[], protocol.Crowd],
        request: contract.Subscribe | None = None,
    ) -> None:
        asked = self._recover = request.recover if request else None
        self.since, self.newest = _NOTHING if asked is None else _read(asked, room)
        self.room = room
        self.connection = connection
        self.channel = channel
        self._crowd = crowd
        self._requests = [request] if request else []

    def add(self, request: contract.Subscribe) -> None:
        """Answer another request for the channel as well."""
        self._requests.append(request)

    def confirm(self, result: SubscriptionResult) -> None:
        """Confirm the subscription to each request."""
        if not self._requests:
            self._send_subscribed(result)
        for request in self._requests:
            same = _is_as_good(self._recover, request.recover)
            is_recovered = None if request.recover is None else False
            other = replace(result, is_recovered=is_recovered)
            self._send_subscribed(result if same else other, request.id)

    def fail(self, error: BrokerUnavailable) -> None:
        """Reject the requests; the next audit subscribes to an automatic channel again."""
        self._reject("unavailable", "try again later")

    def cancel(self) -> None:
        """Reject the requests."""
        self._reject("not_allowed", "the channel was left before it was confirmed")

    def _send_subscribed(
        self, result: SubscriptionResult, reply_to: contract.FrameId = None
    ) -> None:
        fields = {**result.to_fields(), **self._crowd()}
        frame = contract.Subscribed(self.channel, **fields, reply_to=reply_to)
        self.connection.send(protocol.write(frame))

    def _reject(self, code: str, message: str) -> None:
        if self.connection.is_open:
            for request in self._requests:
                rejection = contract.Rejection(code, message, request.id)
                self.connection.send(protocol.write(rejection))


class ConnectSubscriptions:
    """The subscriptions of a connection that is being checked, for all channels of its identity.

    Args:
        connection: that is being checked.
        identity: names the channels.
        recover: what the client recovers, by channel.
        room: how much of what it missed may be delivered, all channels together.
        on_complete: is called once, when each channel has confirmed its subscription or was left,
            or when one of them is not available. The hub is at work then.
        read_at: when the identity was read, in monotonic seconds.

    ``results`` holds the results by channel; ``error`` says why a channel is not available.
    """

    __slots__ = (
        "_awaited",
        "_on_complete",
        "_recover",
        "connection",
        "error",
        "identity",
        "read_at",
        "results",
        "room",
    )

    def __init__(
        self,
        connection: Connection,
        identity: Identity,
        recover: Mapping[str, Recover],
        room: ReplayRoom,
        on_complete: "Callable[[ConnectSubscriptions], None]",
        read_at: float = 0.0,
    ) -> None:
        self.connection = connection
        self.identity = identity
        self.room = room
        self.read_at = read_at
        self.error: BrokerUnavailable | None = None
        self.results: dict[str, SubscriptionResult] = {}
        self._recover = recover
        self._awaited = set(identity.channels)
        self._on_complete = on_complete

    def by_channel(self) -> "dict[str, PendingSubscription]":
        """Return a subscription for each channel; they refer to this object, which keeps none."""
        return {
            channel: _ConnectSubscription(self, channel, self._recover.get(channel))
            for channel in self.identity.channels
        }

    def complete(self, channel: str) -> None:
        """Stop waiting for a channel."""
        if channel in self._awaited:
            self._awaited.remove(channel)
            if not self._awaited:
                self._on_complete(self)

    def fail(self, error: BrokerUnavailable) -> None:
        """Stop waiting for all channels, since one is not available."""
        if self._awaited:
            self._awaited.clear()
            self.error = error
            self._on_complete(self)


class _ConnectSubscription:
    """The subscription to one channel during a connect."""

    __slots__ = ("_connect", "channel", "newest", "since")

    def __init__(self, connect: ConnectSubscriptions, channel: str, asked: Recover | None) -> None:
        self.since, self.newest = _NOTHING if asked is None else _read(asked, connect.room)
        self._connect = connect
        self.channel = channel

    @property
    def connection(self) -> Connection:
        return self._connect.connection

    @property
    def room(self) -> ReplayRoom:
        return self._connect.room

    def confirm(self, result: SubscriptionResult) -> None:
        self._connect.results[self.channel] = result
        self._connect.complete(self.channel)

    def fail(self, error: BrokerUnavailable) -> None:
        self._connect.fail(error)

    def cancel(self) -> None:
        self._connect.complete(self.channel)


def _is_as_good(given: Recover | None, asked: Recover | None) -> bool:
    """Return whether the answer to one request answers another one, which came while it waited."""
    are_newest = not any(one is None or isinstance(one, tuple) for one in (given, asked))
    return given == asked or are_newest


def _read(asked: Recover, room: ReplayRoom) -> tuple[Position | None, int]:
    """Return the position that a client asks to go on from, or how many of the newest it wants."""
    if not room.may_recover:
        return _NOWHERE, 0
    if not isinstance(asked, tuple):
        return None, newest_count(asked)
    is_usable = asked[0] and 0 <= asked[1] < MAX_OFFSET
    return (asked if is_usable else _NOWHERE), 0
