"""Who is on which channel, counted here and written to Redis for all workers and for Django.

Strategy: this worker's counts live in memory and are the truth about its own connections. What
has changed is written a moment later, many in one round trip, so a connection costs Redis one
field when it comes and one when it goes, and nothing in between; a worker costs one heartbeat
(see ``wire.presence``). When Redis has forgotten the worker (flushed, failed over, or the worker
was frozen), everything is written again. Users of a worker that died are told of as gone by each
of the others to its own browsers.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .background import until_one_fails
from .connection import Connection
from .errors import BrokerUnavailable
from .hub import Hub
from .wire import messages
from .wire.names import BROADCAST
from .wire.namespaces import Policy
from .wire.presence import HEARTBEAT_S, Present

log = logging.getLogger("gateway.hub")

GATHER_S = 0.1
"""How long changes are gathered before they are written."""


@dataclass(frozen=True, slots=True)
class Change:
    """How many connections a user (``""``: anonymous visitors) has on a channel here now.

    ``is_told``: those on the channel are told when he comes and goes.
    """

    channel: str
    uid: str
    count: int
    is_told: bool


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a heartbeat has shown.

    ``live``: the other workers that live. ``was_forgotten``: this one was held for dead, and its
    users for gone. ``is_stale``: what it has written will be forgotten soon.
    """

    live: frozenset[str]
    was_forgotten: bool
    is_stale: bool = False


class PresenceStore(Protocol):
    """Where presence is kept for all to read. All of it raises ``BrokerUnavailable``."""

    async def beat(self) -> Pulse:
        """Say that this worker lives."""

    async def write(self, changes: Sequence[Change], *, is_back: bool = False) -> None:
        """Write counts of this worker; if it is back, whoever is here has come again."""

    async def read(self, channel: str) -> Present:
        """Add up who is on a channel at all workers that live."""

    async def read_worker(self, channel: str, worker: str) -> Present:
        """Tell who was on a channel at one worker."""

    async def part(self) -> None:
        """Say that this worker is no more."""


class Presence:
    """Count who is on the channels of this worker.

    Args:
        hub: tells who joins and leaves.
        store: where the counts are written.
        policy_of: tells which channels are counted, beside ``broadcast``.
    """

    def __init__(self, hub: Hub, store: PresenceStore, policy_of: Callable[[str], Policy]) -> None:
        self._hub = hub
        self._store = store
        self._policy_of = policy_of
        self._counts: dict[str, Counter[str]] = {}
        self._unwritten: dict[tuple[str, str], None] = {}
        self._changed = asyncio.Event()
        self._has_parted = False
        self._is_back = False
        self._live: frozenset[str] = frozenset()
        self._dead: set[str] = set()
        self._readings: dict[str, asyncio.Task[Present]] = {}
        hub.on_joined = self.joined
        hub.on_left = self.left

    def joined(self, connection: Connection, channel: str) -> None:
        """Count a connection that hears a channel now."""
        if channel == BROADCAST or self._policy_of(channel).presence:
            self._count(channel, connection.uid or "", 1)

    def left(self, connection: Connection, channel: str) -> None:
        """Count a connection no more."""
        self._uncount(channel, connection.uid or "")

    def renamed(self, connection: Connection, before: str | None) -> None:
        """Count a connection that belongs to another user now."""
        for channel in connection.channels:
            if self._hub.hears(connection, channel):
                self._uncount(channel, before or "")
                self.joined(connection, channel)

    async def of(self, channel: str) -> Present:
        """Tell who is on a channel, at all workers; those who ask together share one reading.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        reading = self._readings.get(channel)
        if reading is None:
            reading = self._readings[channel] = asyncio.create_task(self._read(channel))
            reading.add_done_callback(lambda _: self._readings.pop(channel, None))
        return await asyncio.shield(reading)

    async def run(self) -> None:
        """Write what changes, and beat, until cancelled."""
        while not self._has_parted:
            await self._or_later(self._write_and_beat)

    async def _write_and_beat(self) -> None:
        await until_one_fails(self._write_changes(), self._beat())

    async def look_around(self) -> None:
        """Beat once; write again what Redis has forgotten, and tell of workers that died.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        pulse = await self._store.beat()
        # Where Redis has forgotten this worker, others may be about to say that they live, too.
        live = pulse.live | self._live if pulse.was_forgotten else pulse.live
        self._dead = (self._dead | self._live) - live
        self._live = live
        self._is_back = self._is_back or pulse.was_forgotten
        if pulse.was_forgotten or pulse.is_stale:
            self._unwritten.update(dict.fromkeys(self._counted()))
        if self._unwritten:
            self._changed.set()
        for worker in tuple(self._dead):
            await self._tell_of_the_dead(worker)
            self._dead.discard(worker)

    def recount(self) -> None:
        """Count everybody anew, for other channels may be counted now."""
        self._unwritten.update(dict.fromkeys(self._counted()))
        self._counts = {}
        for channel in self._hub.channels():
            for connection in self._hub.connections_on(channel):
                self.joined(connection, channel)
        self._changed.set()

    async def part(self) -> None:
        """Take this worker out for good; its connections are gone."""
        self._has_parted = True
        try:
            await self._write()
            await self._store.part()
        except BrokerUnavailable as error:
            log.warning("event=presence_unwritten cause=%s", error)

    def _counted(self) -> list[tuple[str, str]]:
        return [(channel, uid) for channel, counts in self._counts.items() for uid in counts]

    def _count(self, channel: str, uid: str, step: int) -> None:
        counts = self._counts.setdefault(channel, Counter())
        counts[uid] += step
        if not counts[uid]:
            del counts[uid]
        if not counts:
            del self._counts[channel]
        self._unwritten[channel, uid] = None
        self._changed.set()

    def _uncount(self, channel: str, uid: str) -> None:
        if channel in self._counts and self._counts[channel][uid] > 0:
            self._count(channel, uid, -1)

    async def _write_changes(self) -> None:
        while not self._has_parted:
            await self._changed.wait()
            await asyncio.sleep(GATHER_S)
            await self._or_later(self._write)

    async def _write(self) -> None:
        self._changed.clear()
        unwritten, self._unwritten = self._unwritten, {}
        is_back, self._is_back = self._is_back, False
        try:
            if unwritten:
                changes = [self._change(*entry) for entry in unwritten]
                await self._store.write(changes, is_back=is_back)
        except BrokerUnavailable:
            self._unwritten = {**unwritten, **self._unwritten}
            self._is_back = self._is_back or is_back
            raise

    async def _beat(self) -> None:
        while not self._has_parted:
            await self._or_later(self.look_around)
            await asyncio.sleep(HEARTBEAT_S)

    async def _tell_of_the_dead(self, worker: str) -> None:
        for channel in [c for c in self._counts if self._policy_of(c).join_leave]:
            gone = await self._store.read_worker(channel, worker)
            present = await self._store.read(channel)
            for uid in gone.users.keys() - present.users.keys():
                self._hub.tell(channel, messages.left(channel, uid))

    async def _read(self, channel: str) -> Present:
        await self._write()
        return await self._store.read(channel)

    def _change(self, channel: str, uid: str) -> Change:
        count = self._counts[channel][uid] if channel in self._counts else 0
        return Change(channel, uid, count, bool(uid) and self._policy_of(channel).join_leave)

    async def _or_later(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except BrokerUnavailable as error:
            log.warning("event=presence_postponed cause=%s", error)
        except Exception:
            log.exception("event=presence_failed")
