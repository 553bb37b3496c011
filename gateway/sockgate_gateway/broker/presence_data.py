"""The data of presence in Redis.

What Django says about users is a field of their records. What pages say is in one hash for each
channel and worker.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import msgspec
from redis.asyncio import Redis

from ..channels.presence_counts import Changed
from ..channels.presence_store import Change
from ..wire import scripts
from ..wire.control import PresenceDataChanged, write_control
from ..wire.names import Names
from ..wire.presence import MAX_NOTICE_BYTES, USER_DATA, StoredData, is_data, page_data_key
from .errors import translated_errors

HASH_TTL_S = 3600
"""The hashes of a worker that has died expire; a live worker writes its hashes again."""

_NOTHING = msgspec.Raw(b"null")
_END = b"]}"


class RedisPresenceData:
    """Write the page data of one worker, and read the data of all.

    Args:
        client: for short commands.
        names: of this deployment.
        worker: the name of the worker.
    """

    def __init__(self, client: Redis, names: Names, worker: str) -> None:
        self._client = client
        self._names = names
        self._worker = worker

    async def read_users(self, uids: Set[str]) -> dict[str, msgspec.Raw]:
        """Return what Django says about these users.

        Raises:
            BrokerUnavailable: Redis cannot be used now.
        """
        chosen = sorted(uids)
        stored = await self.read("", chosen, ())
        found = zip(chosen, stored, strict=True)
        return {uid: msgspec.Raw(one.user) for uid, one in found if one.user and is_data(one.user)}

    async def read(
        self, channel: str, uids: Sequence[str], others: Sequence[str]
    ) -> list[StoredData]:
        """Read the data of users, and that of their pages at those of other workers that live.

        Raises:
            BrokerUnavailable: Redis cannot be used now.
        """
        if not uids:
            return []
        pipeline = self._client.pipeline(transaction=False)
        for uid in uids:
            pipeline.hget(self._names.user(uid), USER_DATA)
        for worker in others:
            pipeline.exists(self._names.worker(worker))
            pipeline.hmget(page_data_key(self._names, channel, worker), list(uids))
        with translated_errors():
            replies: list[Any] = list(await pipeline.execute())
        users, rest = replies[: len(uids)], replies[len(uids) :]
        tables = [table for lives, table in zip(rest[::2], rest[1::2], strict=True) if lives]
        return [
            StoredData(user, tuple(table[place] for table in tables if table[place]))
            for place, user in enumerate(users)
        ]

    def queue(
        self,
        pipeline: Any,
        change: Change,
        others: Iterable[str],
        data: Mapping[str, msgspec.Raw],
        *,
        is_back: bool,
    ) -> None:
        """Write the data of a user's pages, and publish what has changed.

        Args:
            pipeline: takes the commands.
            change: of a channel with data.
            others: the other live workers.
            data: what Django says about users.
            is_back: the others have received that this worker's users left.
        """
        if change.has_notices and change.count and Changed.USER_DATA in change.changed:
            new = data.get(change.uid, _NOTHING)
            notice = write_control(PresenceDataChanged(change.channel, change.uid, new))
            pipeline.publish(self._names.control, notice)
        if change.pages is None:
            return
        has_changed = Changed.PAGE_DATA in change.changed or (is_back and change.pages)
        if change.has_notices and has_changed:
            self._queue_with_notice(pipeline, change, change.pages, tuple(others))
        else:
            self._queue_without_notice(pipeline, change, change.pages)

    def _queue_with_notice(
        self, pipeline: Any, change: Change, pages: bytes, others: Sequence[str]
    ) -> None:
        channel = change.channel
        keys = [
            *(page_data_key(self._names, channel, worker) for worker in (self._worker, *others)),
            *(self._names.presence(channel, worker) for worker in others),
        ]
        empty = PresenceDataChanged(channel, change.uid, page_data=msgspec.Raw(b"[]"))
        head = write_control(empty).removesuffix(_END)
        times = (HASH_TTL_S * 1000, self._names.control)
        arguments = (change.uid, pages, *times, head, _END, MAX_NOTICE_BYTES, change.count)
        pipeline.execute_command("EVAL", scripts.PRESENCE_DATA, len(keys), *keys, *arguments)

    def _queue_without_notice(self, pipeline: Any, change: Change, pages: bytes) -> None:
        key = page_data_key(self._names, change.channel, self._worker)
        if pages:
            pipeline.hset(key, change.uid, pages)
            pipeline.expire(key, HASH_TTL_S)
        else:
            pipeline.hdel(key, change.uid)
