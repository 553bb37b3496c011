"""The worker's registry of channels: who hears what, and the fan-out. Pure.

Strategy: Redis hands over all that one socket read held. Publications that follow one another
on one channel are one run; a run that comes alone (the common case) goes to the channel's
connections as one shared batch. Where several channels have spoken, the frames are collected
for each connection first, so that every connection gets one write, and connections with the
same frames share one batch.
"""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from .batch import Batch
from .connection import Connection
from .errors import BrokerUnavailable
from .newcomers import Newcomer, Unasked
from .recovery import Reading
from .route import Route
from .wire.errors import PayloadError
from .wire.names import Names
from .wire.namespaces import Policy
from .wire.publication import Position, read_publication

log = logging.getLogger("gateway.hub")

Received = tuple[bytes, bytes]
"""A Redis channel and what was published there."""

Run = tuple[Route, list[bytes]]
"""A route and the frames that follow one another on it; none when they wait."""


class Subscriptions(Protocol):
    """Who subscribes in Redis on behalf of the hub."""

    def want(self, channel: str) -> None:
        """Somebody hears the channel now."""

    def unwant(self, channel: str) -> None:
        """Nobody hears the channel any more; it may be released in a while."""


UNTRACKED = Policy(recover=False)


def _untracked(channel: str) -> Policy:
    return UNTRACKED


class Hub:
    """Channels to connections.

    Args:
        names: gives the Redis channel of a channel.
        subscriptions: is told which channels are heard.
        max_publication_bytes: larger ones are dropped and counted.
        policy_of: gives the policy of a channel.
        held_limit_bytes: how much may wait on one route while its history is read.

    ``on_behind`` is told of each route that must be settled before it flows; without it a route
    settles by itself. ``on_joined`` and ``on_left`` are told who hears what.
    """

    def __init__(
        self,
        names: Names,
        subscriptions: Subscriptions,
        max_publication_bytes: int,
        policy_of: Callable[[str], Policy] = _untracked,
        held_limit_bytes: int = 1024 * 1024,
    ) -> None:
        self._names = names
        self._subscriptions = subscriptions
        self._max_bytes = max_publication_bytes
        self._policy_of = policy_of
        self._held_limit_bytes = held_limit_bytes
        self._routes: dict[bytes, Route] = {}
        self.publications = 0
        self.deliveries = 0
        self.dropped = 0
        self.gaps: Counter[str] = Counter()
        self.on_behind: Callable[[Route], None] | None = None
        self.on_joined: Callable[[Connection, str], None] = lambda connection, channel: None
        self.on_left: Callable[[Connection, str], None] = lambda connection, channel: None

    def join(self, connection: Connection, channel: str, newcomer: Newcomer | None = None) -> None:
        """Let a connection hear a channel, and tell the newcomer once it does."""
        key = self._key(channel)
        route = self._routes.get(key) or self._open(key, channel)
        if route.has(connection):
            return
        if channel not in connection.channels:
            connection.channels += (channel,)
        if route.admit(connection, newcomer or Unasked()):
            self.on_joined(connection, channel)
        self._watch(route)

    def leave(self, connection: Connection, channel: str) -> None:
        """Let a connection hear a channel no more."""
        key = self._key(channel)
        route = self._routes.get(key)
        if route is None or not route.has(connection):
            return
        if connection in route.connections:
            self.on_left(connection, channel)
        route.remove(connection)
        self._forget(route, connection)

    def leave_all(self, connection: Connection) -> None:
        """Let a connection hear nothing more."""
        for channel in connection.channels:
            self.leave(connection, channel)

    def hears(self, connection: Connection, channel: str) -> bool:
        """Tell whether a connection hears the channel already."""
        route = self._routes.get(self._key(channel))
        return route is not None and connection in route.connections

    def position_of(self, channel: str) -> Position | None:
        """Tell up to where those on the channel have been given what was sequenced."""
        route = self._routes.get(self._key(channel))
        return route.position if route else None

    def tell(self, channel: str, frame: bytes) -> None:
        """Give a frame to everybody on the channel."""
        for connection in self.connections_on(channel):
            connection.outlet.send(Batch((frame,)))

    def is_heard(self, channel: str) -> bool:
        """Tell whether anybody here hears the channel."""
        return self._key(channel) in self._routes

    def connections_on(self, channel: str) -> tuple[Connection, ...]:
        """List who hears the channel."""
        route = self._routes.get(self._key(channel))
        return tuple(route.connections) if route else ()

    def channels(self) -> list[str]:
        """List the channels that somebody hears."""
        return [route.channel for route in self._routes.values()]

    def publish(self, received: list[Received]) -> None:
        """Fan out what Redis handed over, in its order."""
        self.publications += len(received)
        runs = self._runs(received)
        if len(runs) == 1:
            self._fan_out(*runs[0])
        else:
            self._fan_out_collected(runs)
        for route, _ in runs:
            if route.is_held:
                self._watch(route)

    def link_lost(self) -> None:
        """Let every route wait: what is published now is missed."""
        for route in list(self._routes.values()):
            route.lose()
            self._watch(route)

    @property
    def is_healing(self) -> bool:
        """Tell whether a channel is still to be filled after the loss of the link."""
        return any(route.is_lost and not route.is_empty for route in self._routes.values())

    def settle(self, route: Route, reading: Reading | None) -> None:
        """Let a route flow again, now that its history was read."""
        for connection in route.settle(reading):
            self.on_joined(connection, route.channel)
        self._watch(route)

    def give_up(self, route: Route, error: BrokerUnavailable) -> None:
        """Turn newcomers away, since the history cannot be read now."""
        for connection in route.give_up(error):
            self._forget(route, connection)
        self._watch(route)

    def policies_changed(self) -> None:
        """Look up the policy of every channel again."""
        for route in list(self._routes.values()):
            route.obey(self._policy_of(route.channel))
            self._watch(route)

    def _open(self, key: bytes, channel: str) -> Route:
        route = Route(channel, self._policy_of(channel), self._held_limit_bytes, self.gaps)
        self._routes[key] = route
        if self.on_behind is not None:
            route.hold()
        self._subscriptions.want(channel)
        return route

    def _forget(self, route: Route, connection: Connection) -> None:
        connection.channels = tuple(name for name in connection.channels if name != route.channel)
        key = self._key(route.channel)
        if route.is_empty and self._routes.get(key) is route:
            del self._routes[key]
            self._subscriptions.unwant(route.channel)

    def _watch(self, route: Route) -> None:
        """See to it that a route that is held is settled."""
        if not route.is_held or route.is_empty:
            return
        if self.on_behind is not None:
            self.on_behind(route)
        else:
            route.question()
            route.settle(None)

    def _runs(self, received: list[Received]) -> list[Run]:
        runs: list[Run] = []
        frames: list[bytes] = []
        latest: Route | None = None
        for key, raw in received:
            route = self._routes.get(key)
            if route is None:
                continue
            if route is not latest:
                latest, frames = route, []
                runs.append((route, frames))
            frame = self._read(route, raw)
            if frame is not None:
                frames.append(frame)
        return runs

    def _read(self, route: Route, raw: bytes) -> bytes | None:
        """Turn what was published into a frame; what cannot be delivered is left out."""
        if len(raw) > self._max_bytes:
            self._drop(route, f"{len(raw)} bytes are too many")
            return None
        try:
            return route.take(read_publication(raw))
        except PayloadError as error:
            self._drop(route, str(error))
            return None

    def _drop(self, route: Route, cause: str) -> None:
        self.dropped += 1
        log.warning("event=payload_dropped channel=%s cause=%r", route.channel, cause)

    def _fan_out(self, route: Route, frames: list[bytes]) -> None:
        if not frames:
            return
        key = route.conflation_key
        # One by one where the newest may replace the others: a socket may take only some.
        batches = [Batch(tuple(frames))] if key is None else [Batch((f,), key) for f in frames]
        for batch in batches:
            for connection in route.connections:
                connection.outlet.send(batch)
        self.deliveries += len(route.connections) * len(frames)

    def _fan_out_collected(self, runs: list[Run]) -> None:
        collected: dict[Connection, Batch] = {}
        joined: dict[tuple[Batch, Batch], Batch] = {}
        for route, frames in runs:
            if not frames or route.conflation_key is not None:
                self._fan_out(route, frames)
                continue
            batch = Batch(tuple(frames))
            self.deliveries += len(route.connections) * len(frames)
            for connection in route.connections:
                before = collected.get(connection)
                collected[connection] = _join(before, batch, joined) if before else batch
        for connection, batch in collected.items():
            connection.outlet.send(batch)

    def _key(self, channel: str) -> bytes:
        return self._names.channel(channel).encode()


def _join(first: Batch, second: Batch, joined: dict[tuple[Batch, Batch], Batch]) -> Batch:
    """Join two batches; for all who get the same two, it is the same one."""
    both = joined.get((first, second))
    if both is None:
        both = joined[first, second] = Batch(first.frames + second.frames)
    return both
