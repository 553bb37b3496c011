"""Presence: the counts of this worker, written to Redis for all workers and for Django.

Strategy: the counts in memory (``presence_counts.py``) are the truth about the worker's own
connections. The answer to a client adds them to the counts of the other workers in Redis, because
a count of this worker may still be on its way there. Changes are written a moment later, many in
one round trip. So a connection costs Redis one field when it subscribes and one when it leaves,
and nothing in between; a worker costs one heartbeat (see ``wire.presence``). When Redis has
forgotten the worker (after a flush, a failover, or because the worker was frozen), all counts are
written again. When a worker dies, each of the others sends ``leave`` for its users to its own
connections. A user who comes and goes too often leaves later (``notice_budget.py``).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

import msgspec

from ..connections.connection import Connection
from ..errors import BrokerUnavailable
from ..loop.background import run_until_one_fails
from ..loop.failure_log import FailureLog
from ..wire import protocol
from ..wire.contract import Leave, PresenceChanged
from ..wire.namespaces import Policy
from ..wire.presence import (
    HEARTBEAT_S,
    MAX_REPLY_USERS,
    PresenceData,
    Present,
    collect_data,
)
from .hub import Hub
from .notice_budget import NoticeBudget
from .presence_counts import Changed, PresenceCounts, Unwritten
from .presence_store import Change, PresenceStore

log = logging.getLogger("sockgate.hub")

GATHER_S = 0.1
"""How long changes are gathered before they are written."""

COUNT_AGE_S = 1.0
"""The age of an answer that has only the number of users: adding up takes long."""


class Presence:
    """Write the counts of this worker, and read those of all workers.

    Args:
        hub: knows the connections on each channel.
        counts: of this worker.
        store: where the counts are written.
        policy_of: returns the policy that says whether a channel is counted, and whether ``join``
            and ``leave`` are sent.
        count_connections: counts the connections of this worker.
        notices: limits how often one user leaves.

    ``connections_of_others``: of each other live worker, as of the last heartbeat.
    """

    def __init__(
        self,
        hub: Hub,
        counts: PresenceCounts,
        store: PresenceStore,
        policy_of: Callable[[str], Policy],
        count_connections: Callable[[], int],
        notices: NoticeBudget,
    ) -> None:
        self._hub = hub
        self._count_connections = count_connections
        self.connections_of_others: Mapping[str, int] = {}
        self._counts = counts
        self._store = store
        self._policy_of = policy_of
        self._notices = notices
        self._is_stopped = False
        self._is_back = False
        self._live: frozenset[str] = frozenset()
        self._dead: set[str] = set()
        self._failures = FailureLog(log, "presence_postponed")
        self._reads: dict[str, asyncio.Task[Present]] = {}
        self._writing = asyncio.Lock()

    @property
    def connections(self) -> int:
        """How many connections all live workers have together."""
        return self._count_connections() + sum(self.connections_of_others.values())

    def shares_of_others(self) -> Mapping[str, int]:
        """Return the connections of each other live worker; empty where one does not say."""
        is_complete = len(self.connections_of_others) == len(self._live)
        return self.connections_of_others if is_complete else {}

    def user_changed(self, connection: Connection, before: str | None) -> None:
        """Count a connection for another user, on all channels that it is subscribed to.

        Args:
            connection: with its new ``uid``.
            before: the uid until now.
        """
        for channel in connection.channels:
            if self._hub.is_subscribed(connection, channel):
                self._counts.remove_user(connection, channel, before)
                self._counts.add(connection, channel, self._policy_of(channel))

    def user_data_changed(self, connection: Connection) -> None:
        """Note that the data of a connection's user has changed."""
        for channel in connection.channels:
            if self._policy_of(channel).presence_data != "none":
                self._counts.note(channel, connection.uid or "", Changed.USER_DATA)

    def set_page_data(self, connection: Connection, channel: str, data: bytes) -> bool:
        """Set the data of a page, a JSON object; empty removes it. False: it does not fit."""
        return self._counts.set_page_data(connection, channel, connection.uid or "", data)

    async def read(self, channel: str) -> Present:
        """Add up the counts of a channel at all workers; simultaneous calls share one read.

        Raises:
            BrokerUnavailable: Redis is not available.
        """
        reading = self._reads.get(channel)
        if reading is None:
            reading = self._reads[channel] = asyncio.create_task(self._read(channel))
            reading.add_done_callback(partial(self._forget_reading, channel))
        return await asyncio.shield(reading)

    async def run(self) -> None:
        """Write changes and heartbeats until cancelled."""
        while not self._is_stopped:
            await self._log_failures(self._write_and_beat)

    async def heartbeat(self) -> None:
        """Beat once; write again what Redis has forgotten, and send ``leave`` for dead workers.

        Raises:
            BrokerUnavailable: Redis is not available.
        """
        beat = await self._store.beat(self._count_connections())
        self.connections_of_others = beat.connections
        self._counts.connections_elsewhere = sum(beat.connections.values())
        # Where Redis has forgotten this worker, others may be about to renew their sign, too.
        live = beat.live | self._live if beat.was_forgotten else beat.live
        self._dead = (self._dead | self._live) - live
        self._live = live
        self._counts.workers = 1 + len(live)
        self._is_back = self._is_back or beat.was_forgotten
        if beat.was_forgotten or beat.is_stale:
            self._counts.mark_all()
        self._counts.retry()
        for worker in tuple(self._dead):
            await self._send_leaves(worker)
            self._dead.discard(worker)

    def recount(self) -> None:
        """Count all connections again, since other channels may be counted now."""
        self._counts.clear()
        for channel in self._hub.channels():
            policy = self._policy_of(channel)
            for connection in self._hub.connections_on(channel):
                self._counts.add(connection, channel, policy)
        self._counts.pages.keep(
            {entry for entry in self._counts.pages.entries() if self._has_pages(entry[0])}
        )

    async def stop(self) -> None:
        """Remove this worker from Redis; its connections are gone."""
        self._is_stopped = True
        try:
            await self._write()
            await self._store.remove_worker()
        except BrokerUnavailable as error:
            log.warning("event=presence_unwritten cause=%r", str(error))

    async def _write_and_beat(self) -> None:
        await run_until_one_fails(self._write_changes(), self._beat())

    async def _write_changes(self) -> None:
        while not self._is_stopped:
            await self._counts.changed.wait()
            await asyncio.sleep(GATHER_S)
            await self._log_failures(self._write)

    async def _write(self) -> None:
        """Write what has changed, one write after the other: an older count must not come last."""
        async with self._writing:
            await self._write_changed()

    async def _write_changed(self) -> None:
        unwritten = self._take_unwritten()
        is_back, self._is_back = self._is_back, False
        try:
            if unwritten:
                changes = [self._change(*entry, what) for entry, what in unwritten.items()]
                await self._store.write(changes, is_back=is_back)
        except BrokerUnavailable:
            self._counts.put_back(unwritten)
            self._is_back = self._is_back or is_back
            raise

    def _take_unwritten(self) -> Unwritten:
        """Return what is to be written, but for leaves beyond the budget of their user."""
        unwritten = self._counts.take_unwritten()
        if self._is_stopped:
            return unwritten
        held = {entry: what for entry, what in unwritten.items() if not self._may_write(*entry)}
        self._counts.put_back(held)
        return {entry: what for entry, what in unwritten.items() if entry not in held}

    def _may_write(self, channel: str, uid: str) -> bool:
        is_leave = uid and self._policy_of(channel).join_leave and not self._counts.of(channel, uid)
        return not is_leave or self._notices.allows_leave(channel, uid)

    async def _beat(self) -> None:
        while not self._is_stopped:
            await self._log_failures(self.heartbeat)
            await asyncio.sleep(HEARTBEAT_S)

    async def _send_leaves(self, worker: str) -> None:
        """Send ``leave`` for the users of a dead worker who are on no other worker."""
        for channel in [c for c in self._counts.channels() if self._policy_of(c).join_leave]:
            gone = await self._store.read_worker(channel, worker)
            present = await self._present(channel)
            for uid in gone.users.keys() - present.users.keys():
                self._hub.notices.add(channel, protocol.write(Leave(channel, uid)))
            if self._has_pages(channel):
                await self._send_page_data(channel, gone.users.keys() & present.users.keys())
            self._hub.fan_out([])

    async def _send_page_data(self, channel: str, uids: Iterable[str]) -> None:
        """Send what is left of the data of pages when a worker has died."""
        data = await self._data(channel, list(uids))
        for uid in islice(uids, MAX_REPLY_USERS):
            pages = msgspec.Raw(b"[%b]" % b",".join(data.pages.get(uid, ())))
            frame = PresenceChanged(channel, uid, page_data=pages)
            self._hub.notices.add(channel, protocol.write(frame))

    def _forget_reading(self, channel: str, reading: "asyncio.Task[Present]") -> None:
        is_read = not reading.cancelled() and reading.exception() is None
        if is_read and len(reading.result().users) > self._policy_of(channel).presence_limit:
            asyncio.get_running_loop().call_later(COUNT_AGE_S, self._reads.pop, channel, None)
        else:
            self._reads.pop(channel, None)

    async def _read(self, channel: str) -> Present:
        await self._write()
        present, policy = await self._present(channel), self._policy_of(channel)
        if policy.presence_data == "none" or len(present.users) > policy.presence_limit:
            return present
        return replace(present, data=await self._data(channel, list(present.users)))

    async def _data(self, channel: str, uids: Sequence[str]) -> PresenceData:
        chosen = uids[:MAX_REPLY_USERS]
        has_pages = self._has_pages(channel)
        stored = await self._store.read_data(channel, chosen, has_pages=has_pages)
        pages = [self._counts.pages.of(channel, uid) if has_pages else () for uid in chosen]
        found = collect_data(dict(zip(chosen, zip(stored, pages, strict=True), strict=True)))
        is_complete = found.is_complete and len(chosen) == len(uids)
        return replace(found, is_complete=is_complete)

    def _has_pages(self, channel: str) -> bool:
        return self._policy_of(channel).presence_data == "subscribers"

    async def _present(self, channel: str) -> Present:
        others = await self._store.read_others(channel)
        return self._counts.present(channel).plus(others)

    def _change(self, channel: str, uid: str, changed: Changed) -> Change:
        policy, count = self._policy_of(channel), self._counts.of(channel, uid)
        has_notices = bool(uid) and policy.join_leave
        if policy.presence_data == "none" or not uid:
            return Change(channel, uid, count, has_notices)
        has_pages = policy.presence_data == "subscribers"
        pages = b",".join(self._counts.pages.of(channel, uid)) if has_pages else None
        return Change(channel, uid, count, has_notices, has_data=True, pages=pages, changed=changed)

    async def _log_failures(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
            self._failures.succeeded()
        except BrokerUnavailable as error:
            self._failures.failed(error)
        except Exception:
            log.exception("event=presence_failed")
