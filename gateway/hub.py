"""The worker's registry of channels: who hears what, and the fan-out. Pure.

Strategy: Redis hands over all that one socket read held. Publications that follow one another
on one channel are one run; a run that comes alone (the common case) goes to the channel's
connections as one shared batch. Where several channels have spoken, the frames are collected
for each connection first, so that every connection gets one write, and connections with the
same frames share one batch.
"""

import logging
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Protocol

from .batch import Batch
from .connection import Connection
from .wire.errors import PayloadError
from .wire.messages import (
    Publication,
    gap,
    publication_frame,
    publication_head,
    read_publication,
)
from .wire.names import Names

log = logging.getLogger("gateway.hub")

Received = tuple[bytes, bytes]
"""A Redis channel and what was published there."""


class Subscriptions(Protocol):
    """Who subscribes in Redis on behalf of the hub."""

    def want(self, channel: str) -> None:
        """Somebody hears the channel now."""

    def unwant(self, channel: str) -> None:
        """Nobody hears the channel any more; it may be released in a while."""


class Route:
    """A channel that somebody hears."""

    __slots__ = ("channel", "connections", "head")

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.head = publication_head(channel)
        self.connections: dict[Connection, None] = {}


class Hub:
    """Channels to connections.

    Args:
        names: gives the Redis channel of a channel.
        subscriptions: is told which channels are heard.
        max_publication_bytes: larger ones are dropped and counted.
    """

    def __init__(
        self, names: Names, subscriptions: Subscriptions, max_publication_bytes: int
    ) -> None:
        self._names = names
        self._subscriptions = subscriptions
        self._max_bytes = max_publication_bytes
        self._routes: dict[bytes, Route] = {}
        self.publications = 0
        self.deliveries = 0
        self.dropped = 0

    def join(self, connection: Connection, channel: str) -> None:
        """Let a connection hear a channel."""
        key = self._key(channel)
        route = self._routes.get(key)
        if route is None:
            route = self._routes[key] = Route(channel)
            self._subscriptions.want(channel)
        route.connections[connection] = None
        if channel not in connection.channels:
            connection.channels += (channel,)

    def leave(self, connection: Connection, channel: str) -> None:
        """Let a connection hear a channel no more."""
        key = self._key(channel)
        route = self._routes.get(key)
        if route is None or connection not in route.connections:
            return
        del route.connections[connection]
        connection.channels = tuple(name for name in connection.channels if name != channel)
        if not route.connections:
            del self._routes[key]
            self._subscriptions.unwant(channel)

    def leave_all(self, connection: Connection) -> None:
        """Let a connection hear nothing more."""
        for channel in connection.channels:
            self.leave(connection, channel)

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
        runs = list(self._runs(received))
        if len(runs) == 1:
            self._fan_out(*runs[0])
        elif runs:
            self._fan_out_collected(runs)

    def tell_of_gap(self) -> None:
        """Tell every connection that messages on its channels may have been lost."""
        for route in self._routes.values():
            self._fan_out(route, (gap(route.channel),))

    def _runs(self, received: list[Received]) -> Iterator[tuple[Route, tuple[bytes, ...]]]:
        for key, run in groupby(received, itemgetter(0)):
            route = self._routes.get(key)
            if route is None:
                continue
            frames = self._frames(route, (payload for _, payload in run))
            if frames:
                yield route, frames

    def _frames(self, route: Route, payloads: Iterable[bytes]) -> tuple[bytes, ...]:
        """Turn what was published into frames; what cannot be delivered is left out."""
        return tuple(frame for payload in payloads if (frame := self._frame(route, payload)))

    def _frame(self, route: Route, payload: bytes) -> bytes | None:
        try:
            return publication_frame(route.head, self._read(payload))
        except PayloadError as error:
            self.dropped += 1
            log.warning("event=payload_dropped channel=%s cause=%r", route.channel, str(error))
            return None

    def _read(self, payload: bytes) -> Publication:
        if len(payload) > self._max_bytes:
            raise PayloadError(f"{len(payload)} bytes are too many")
        return read_publication(payload)

    def _fan_out(self, route: Route, frames: tuple[bytes, ...]) -> None:
        batch = Batch(frames)
        for connection in route.connections:
            connection.deliver(batch)
        self.deliveries += len(route.connections) * len(frames)

    def _fan_out_collected(self, runs: list[tuple[Route, tuple[bytes, ...]]]) -> None:
        collected: dict[Connection, tuple[bytes, ...]] = {}
        for route, frames in runs:
            for connection in route.connections:
                collected[connection] = collected.get(connection, ()) + frames
        batches: dict[tuple[bytes, ...], Batch] = {}
        for connection, frames in collected.items():
            batch = batches.get(frames)
            if batch is None:
                batch = batches[frames] = Batch(frames)
            connection.deliver(batch)
            self.deliveries += len(frames)

    def _key(self, channel: str) -> bytes:
        return self._names.channel(channel).encode()
