"""Whether grants are valid: what was revoked, and the name of the user's rights."""

from collections.abc import Sequence
from math import inf, isnan
from typing import Any

from redis.asyncio import Redis

from ..loop.batching import BatchedCalls
from ..sessions.grants import GrantStatus, Right
from ..wire.names import Names
from .pipelines import execute_each


class RedisRevocations:
    """Read from Redis whether grants are valid.

    Args:
        client: for short commands.
        names: of this deployment.
    """

    def __init__(self, client: Redis, names: Names) -> None:
        self._client = client
        self._names = names
        self._calls: BatchedCalls[Right, GrantStatus] = BatchedCalls(self.read_many)

    async def read(self, right: Right) -> GrantStatus:
        """Read the status of one right, together with all others that are asked for now.

        Raises:
            BrokerUnavailable: Redis cannot be used now.
        """
        return await self._calls.call(right)

    async def read_many(self, rights: Sequence[Right]) -> list[GrantStatus]:
        """Read several at once; raises as ``read`` does."""
        pipeline = self._client.pipeline(transaction=False)
        for uid, channel in rights:
            pipeline.hget(self._names.revoked(uid), channel)
            pipeline.hget(self._names.user(uid), "rights")
        replies = await execute_each(pipeline)
        return [
            GrantStatus(_revoked_at(mark), _name(name))
            for mark, name in zip(replies[::2], replies[1::2], strict=True)
        ]


def _revoked_at(mark: Any) -> float:
    """Read the time of a revocation; a mark that was made by hand counts as revoked forever."""
    try:
        moment = float(mark or 0)
    except (TypeError, ValueError):
        return inf
    return inf if isnan(moment) else moment


def _name(rights: Any) -> str:
    return rights.decode(errors="replace") if isinstance(rights, bytes) else ""
