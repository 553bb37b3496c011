"""Presence in Redis: one hash for each channel and worker, and the heartbeats of workers."""

from collections.abc import Iterable, Sequence
from typing import Any

from redis.asyncio import Redis

from ..presence import Change, Pulse
from ..wire import scripts
from ..wire.control import PresenceChanged, write_control
from ..wire.names import Names
from ..wire.presence import HEARTBEAT_S, WORKER_TTL_S, Present, merge
from .asking import asking_redis

HASH_TTL_S = 3600
"""After a worker has died, its hashes are garbage; while it lives, they are written again."""

REWRITE_BEATS = HASH_TTL_S // 2 // HEARTBEAT_S
"""Every so many heartbeats, half a TTL, the hashes live on."""


class RedisPresence:
    """Keep one worker's presence in Redis.

    Args:
        client: for short commands.
        names: of this deployment.
        worker: whose presence it is.
    """

    def __init__(self, client: Redis, names: Names, worker: str) -> None:
        self._client = client
        self._names = names
        self._worker = worker
        self._others: tuple[str, ...] = ()
        self._beats = 0

    async def beat(self) -> Pulse:
        """Say that this worker lives; forget those that do not.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        pipeline = self._client.pipeline(transaction=False)
        pipeline.set(self._names.worker(self._worker), 1, px=WORKER_TTL_S * 1000, get=True)
        pipeline.sadd(self._names.workers, self._worker)
        pipeline.smembers(self._names.workers)
        known, _, members = await _execute(pipeline)
        await self._look_at(sorted({member.decode() for member in members} - {self._worker}))
        self._beats += 1
        is_stale = self._beats % REWRITE_BEATS == 0
        return Pulse(frozenset(self._others), known is None, is_stale)

    async def write(self, changes: Sequence[Change], *, is_back: bool = False) -> None:
        """Write counts of this worker; if it is back, whoever is here has come again.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        told = [change for change in changes if change.is_told]
        others = await self._known_others() if told else set()
        pipeline = self._client.pipeline(transaction=False)
        for channel, counts in _quiet_counts(changes).items():
            self._queue(pipeline, channel, counts)
        for change in told:
            if is_back and change.count:
                pipeline.hdel(self._names.presence(change.channel, self._worker), change.uid)
            self._queue_told(pipeline, change, others)
        for channel in {change.channel for change in changes}:
            pipeline.expire(self._names.presence(channel, self._worker), HASH_TTL_S)
        await _execute(pipeline)

    async def read(self, channel: str) -> Present:
        """Add up who is on a channel at all workers that live.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        asking = self._client.pipeline(transaction=False)
        asking.smembers(self._names.workers)
        (members,) = await _execute(asking)
        pipeline = self._client.pipeline(transaction=False)
        for worker in map(bytes.decode, members):
            pipeline.exists(self._names.worker(worker))
            pipeline.hgetall(self._names.presence(channel, worker))
        replies = await _execute(pipeline)
        found = zip(replies[::2], replies[1::2], strict=True)
        return merge(counts for is_live, counts in found if is_live)

    async def read_worker(self, channel: str, worker: str) -> Present:
        """Tell who was on a channel at one worker.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hgetall(self._names.presence(channel, worker))
        return merge(await _execute(pipeline))

    async def part(self) -> None:
        """Say that this worker is no more.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        pipeline = self._client.pipeline(transaction=False)
        pipeline.srem(self._names.workers, self._worker)
        pipeline.delete(self._names.worker(self._worker))
        await _execute(pipeline)

    async def _known_others(self) -> set[str]:
        """Name the other workers, one that has just begun and those that Redis has forgotten, too.

        Each of them may have a user who leaves here.
        """
        pipeline = self._client.pipeline(transaction=False)
        pipeline.smembers(self._names.workers)
        (members,) = await _execute(pipeline)
        return {*self._others, *map(bytes.decode, members)} - {self._worker}

    async def _look_at(self, others: Iterable[str]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for worker in others:
            pipeline.exists(self._names.worker(worker))
        lives = dict(zip(others, await _execute(pipeline), strict=True))
        self._others = tuple(worker for worker, is_live in lives.items() if is_live)
        dead = [worker for worker, is_live in lives.items() if not is_live]
        if dead:
            burying = self._client.pipeline(transaction=False)
            burying.srem(self._names.workers, *dead)
            await _execute(burying)

    def _queue(self, pipeline: Any, channel: str, counts: dict[str, int]) -> None:
        key = self._names.presence(channel, self._worker)
        present = {uid: count for uid, count in counts.items() if count}
        if present:
            pipeline.hset(key, mapping=present)
        if len(present) < len(counts):
            pipeline.hdel(key, *(counts.keys() - present.keys()))

    def _queue_told(self, pipeline: Any, change: Change, others: Iterable[str]) -> None:
        workers = (self._worker, *others)
        keys = [self._names.presence(change.channel, worker) for worker in workers]
        told = [
            write_control(PresenceChanged(change.channel, change.uid, is_present))
            for is_present in (True, False)
        ]
        ttl_ms = HASH_TTL_S * 1000
        arguments = (change.uid, change.count, ttl_ms, self._names.control, *told)
        pipeline.execute_command("EVAL", scripts.PRESENCE, len(keys), *keys, *arguments)


def _quiet_counts(changes: Iterable[Change]) -> dict[str, dict[str, int]]:
    """Group by channel what nobody has to be told of."""
    counts: dict[str, dict[str, int]] = {}
    for change in changes:
        if not change.is_told:
            counts.setdefault(change.channel, {})[change.uid] = change.count
    return counts


async def _execute(pipeline: Any) -> list[Any]:
    with asking_redis():
        return list(await pipeline.execute())
