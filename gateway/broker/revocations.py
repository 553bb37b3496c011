"""Which grants are worth something: what was taken from a user, and the name of his rights."""

from collections.abc import Sequence
from math import inf, isnan
from typing import Any

from redis.asyncio import Redis

from ..subscriptions import Right, Standing
from ..wire.names import Names
from .batching import Batched
from .pipelines import replies_of


class RedisRevocations:
    """Read from Redis which grants are worth something.

    Args:
        client: for short commands.
        names: of this deployment.
    """

    def __init__(self, client: Redis, names: Names) -> None:
        self._client = client
        self._names = names
        self._batched: Batched[Right, Standing] = Batched(self.read_many)

    async def read(self, right: Right) -> Standing:
        """Read how a right stands, together with whoever else asks now.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        return await self._batched.read(right)

    async def read_many(self, rights: Sequence[Right]) -> list[Standing]:
        """Read several at once; raises as ``read`` does."""
        pipeline = self._client.pipeline(transaction=False)
        for uid, channel in rights:
            pipeline.hget(self._names.revoked(uid), channel)
            pipeline.hget(self._names.user(uid), "rights")
        replies = await replies_of(pipeline)
        return [
            Standing(_moment(mark), _name(name))
            for mark, name in zip(replies[::2], replies[1::2], strict=True)
        ]


def _moment(mark: Any) -> float:
    """Read a mark; what was made by hand refuses rather than lets in."""
    try:
        moment = float(mark or 0)
    except (TypeError, ValueError):
        return inf
    return inf if isnan(moment) else moment


def _name(rights: Any) -> str:
    return rights.decode(errors="replace") if isinstance(rights, bytes) else ""
