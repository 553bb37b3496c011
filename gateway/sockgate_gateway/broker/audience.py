"""Replies to ``CountConnections`` and ``Ask``, pushed to a short-lived list that Django reads."""

import logging

from redis.asyncio import Redis

from ..loop.background import BackgroundTasks
from ..redis_servers.errors import FAILURES, cause_of
from ..wire.names import Names

log = logging.getLogger("sockgate.broker")

TTL_S = 10


class AudienceReplies:
    """Push replies to Redis.

    Args:
        client: for short commands.
        names: of this deployment.
    """

    def __init__(self, client: Redis, names: Names) -> None:
        self._client = client
        self._names = names
        self._background = BackgroundTasks()

    def reply(self, reply_to: str, answer: int | bytes) -> None:
        """Push a count or an answer in the background."""
        self._background.start(self._push(self._names.reply(reply_to), answer))

    async def _push(self, key: str, answer: int | bytes) -> None:
        pipeline = self._client.pipeline(transaction=False)
        pipeline.rpush(key, answer)
        pipeline.expire(key, TTL_S)
        try:
            await pipeline.execute()
        except FAILURES as error:
            log.warning("event=reply_lost cause=%r", cause_of(error))
