"""Presence in Redis: one hash for each channel and worker, and the heartbeats of workers."""

from collections.abc import Iterable, Sequence
from time import time
from typing import Any

import msgspec
from redis.asyncio import Redis

from ..channels.presence_store import Change, Heartbeat
from ..wire import scripts
from ..wire.control import OptionalJson, PresenceChanged, write_control
from ..wire.inspection import WorkerName
from ..wire.names import BROADCAST, Names
from ..wire.online import MAX_EVENTS, ONLINE_TTL_MS, OnlineKeys
from ..wire.presence import (
    HEARTBEAT_S,
    WORKER_TTL_S,
    Present,
    StoredData,
    merge,
    read_beat,
    write_beat,
)
from ..wire.tenants import without_tenant
from .errors import translated_errors
from .presence_data import HASH_TTL_S, RedisPresenceData

REWRITE_BEATS = HASH_TTL_S // 2 // HEARTBEAT_S
"""The number of heartbeats, half a TTL, after which the hashes are written again."""

USERS_EACH = 500
"""How many users one script notes; in the meantime Redis serves nobody else."""


class RedisPresence:
    """Keep one worker's presence in Redis.

    Args:
        client: for short commands.
        names: of this deployment.
        worker: this one.
        has_signals: note who is online, for Django's signals.
    """

    def __init__(
        self, client: Redis, names: Names, worker: WorkerName, *, has_signals: bool = False
    ) -> None:
        self._client = client
        self._names = names
        self._name = worker
        self._worker = worker.id
        self._has_signals = has_signals
        self._data = RedisPresenceData(client, names, worker.id)
        self._others: tuple[str, ...] = ()
        self._beats = 0

    async def beat(self, connections: int) -> Heartbeat:
        """Renew this worker's heartbeat, and remove the workers that have died.

        Args:
            connections: how many this worker has.

        Raises:
            BrokerUnavailable: Redis cannot be used now.
        """
        pipeline = self._client.pipeline(transaction=False)
        key, value = self._names.worker(self._worker), write_beat(connections, self._name)
        pipeline.set(key, value, px=WORKER_TTL_S * 1000, get=True)
        pipeline.smembers(self._names.workers)
        known, found = await _execute(pipeline)
        members = {member.decode() for member in found}
        if self._worker not in members:
            await self._enter()
        others = await self._check_others(sorted(members - {self._worker}))
        self._beats += 1
        is_stale = self._beats % REWRITE_BEATS == 0
        return Heartbeat(frozenset(self._others), known is None, is_stale, others)

    async def _enter(self) -> None:
        pipeline = self._client.pipeline(transaction=False)
        pipeline.sadd(self._names.workers, self._worker)
        await _execute(pipeline)

    async def write(self, changes: Sequence[Change], *, is_back: bool = False) -> None:
        """Write the counts of this worker; if it ``is_back``, its users join again.

        Raises:
            BrokerUnavailable: Redis cannot be used now.
        """
        noticed = [change for change in changes if change.has_notices]
        others = await self._known_others() if noticed else set()
        described = {change.uid for change in noticed if change.has_data and change.count}
        data = await self._data.read_users(described)
        pipeline = self._client.pipeline(transaction=False)
        for channel, counts in _quiet_counts(changes).items():
            self._queue(pipeline, channel, counts)
        for change in noticed:
            if is_back and change.count:
                pipeline.hdel(self._names.presence(change.channel, self._worker), change.uid)
            self._queue_noticed(pipeline, change, others, data.get(change.uid, msgspec.UNSET))
        for change in changes:
            if change.has_data:
                self._data.queue(pipeline, change, others, data, is_back=is_back)
        for channel in {change.channel for change in changes}:
            pipeline.expire(self._names.presence(channel, self._worker), HASH_TTL_S)
        if self._has_signals:
            self._queue_online(pipeline, changes)
        await _execute(pipeline)

    async def read_others(self, channel: str) -> Present:
        """Return who is subscribed to a channel at all other live workers.

        Raises:
            BrokerUnavailable: Redis cannot be used now.
        """
        others = sorted({*await self._members()} - {self._worker})
        pipeline = self._client.pipeline(transaction=False)
        for worker in others:
            pipeline.exists(self._names.worker(worker))
            pipeline.hgetall(self._names.presence(channel, worker))
        replies = await _execute(pipeline)
        found = zip(replies[::2], replies[1::2], strict=True)
        return merge(counts for is_live, counts in found if is_live)

    async def read_data(
        self, channel: str, uids: Sequence[str], *, has_pages: bool
    ) -> list[StoredData]:
        """Read the data of users, and that of their pages at all other workers that live.

        Raises:
            BrokerUnavailable: Redis cannot be used now.
        """
        others = sorted({*await self._members()} - {self._worker}) if has_pages else []
        return await self._data.read(channel, uids, others)

    async def read_worker(self, channel: str, worker: str) -> Present:
        """Return who was subscribed to a channel at one worker.

        Raises:
            BrokerUnavailable: Redis cannot be used now.
        """
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hgetall(self._names.presence(channel, worker))
        return merge(await _execute(pipeline))

    async def remove_worker(self) -> None:
        """Remove this worker, which ends.

        Raises:
            BrokerUnavailable: Redis cannot be used now.
        """
        pipeline = self._client.pipeline(transaction=False)
        pipeline.srem(self._names.workers, self._worker)
        pipeline.delete(self._names.worker(self._worker))
        await _execute(pipeline)

    async def _known_others(self) -> set[str]:
        """Return the other workers, with new ones and those that Redis has lost.

        A user who leaves this worker may still be subscribed at any of them.
        """
        return {*self._others, *await self._members()} - {self._worker}

    async def _members(self) -> list[str]:
        pipeline = self._client.pipeline(transaction=False)
        pipeline.smembers(self._names.workers)
        (members,) = await _execute(pipeline)
        return [member.decode() for member in members]

    async def _check_others(self, others: Iterable[str]) -> dict[str, int]:
        """Note which workers live, and return the connections of those that say how many."""
        pipeline = self._client.pipeline(transaction=False)
        for worker in others:
            pipeline.get(self._names.worker(worker))
        beats = dict(zip(others, await _execute(pipeline), strict=True))
        live = {worker: read_beat(beat) for worker, beat in beats.items() if beat is not None}
        self._others = tuple(live)
        dead = [worker for worker, beat in beats.items() if beat is None]
        if dead:
            removal = self._client.pipeline(transaction=False)
            removal.srem(self._names.workers, *dead)
            await _execute(removal)
        return {worker: count for worker, count in live.items() if count is not None}

    def _queue(self, pipeline: Any, channel: str, counts: dict[str, int]) -> None:
        key = self._names.presence(channel, self._worker)
        present = {uid: count for uid, count in counts.items() if count}
        if present:
            pipeline.hset(key, mapping=present)
        if len(present) < len(counts):
            pipeline.hdel(key, *(counts.keys() - present.keys()))

    def _queue_noticed(
        self, pipeline: Any, change: Change, others: Iterable[str], data: OptionalJson
    ) -> None:
        workers = (self._worker, *others)
        keys = [self._names.presence(change.channel, worker) for worker in workers]
        notices = [
            write_control(PresenceChanged(change.channel, change.uid, True, data)),
            write_control(PresenceChanged(change.channel, change.uid, False)),
        ]
        ttl_ms = HASH_TTL_S * 1000
        arguments = (change.uid, change.count, ttl_ms, self._names.control, *notices)
        pipeline.execute_command("EVAL", scripts.PRESENCE, len(keys), *keys, *arguments)

    def _queue_online(self, pipeline: Any, changes: Iterable[Change]) -> None:
        """Note who is online: every connection is subscribed to ``broadcast``."""
        keys = OnlineKeys(self._names)
        keys_used = (keys.at(self._worker), keys.online, keys.leaving, keys.events)
        users = [
            (change.uid, int(change.count > 0))
            for change in changes
            if change.uid and without_tenant(change.channel) == BROADCAST
        ]
        for start in range(0, len(users), USERS_EACH):
            part = users[start : start + USERS_EACH]
            now_ms = int(time() * 1000)
            pairs = (item for user in part for item in user)
            arguments = (ONLINE_TTL_MS, MAX_EVENTS, now_ms, *pairs)
            pipeline.execute_command("EVAL", scripts.ONLINE, len(keys_used), *keys_used, *arguments)


def _quiet_counts(changes: Iterable[Change]) -> dict[str, dict[str, int]]:
    """Group by channel the counts of changes without notices."""
    counts: dict[str, dict[str, int]] = {}
    for change in changes:
        if not change.has_notices:
            counts.setdefault(change.channel, {})[change.uid] = change.count
    return counts


async def _execute(pipeline: Any) -> list[Any]:
    with translated_errors():
        return list(await pipeline.execute())
