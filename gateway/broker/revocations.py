"""The marks of rights that were taken away: one hash for each user, channel to Unix seconds."""

from collections.abc import Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ..errors import BrokerUnavailable
from ..subscriptions import Right
from ..wire.names import Names
from .batching import Batched


class RedisRevocations:
    """Read from Redis what was taken away.

    Args:
        client: for short commands.
        names: of this deployment.
    """

    def __init__(self, client: Redis, names: Names) -> None:
        self._client = client
        self._names = names
        self._batched: Batched[Right, float] = Batched(self.revoked_at_many)

    async def revoked_at(self, right: Right) -> float:
        """Read when a right was taken away last, together with whoever else asks now.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        return await self._batched.read(right)

    async def revoked_at_many(self, rights: Sequence[Right]) -> list[float]:
        """Read several at once; raises as ``revoked_at`` does."""
        pipeline = self._client.pipeline(transaction=False)
        for uid, channel in rights:
            pipeline.hget(self._names.revoked(uid), channel)
        try:
            marks = await pipeline.execute()
        except (RedisError, OSError) as error:
            raise BrokerUnavailable(type(error).__name__) from error
        return [float(mark or 0) for mark in marks]
