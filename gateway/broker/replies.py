"""Answers to control messages: pushed to a short-lived list that the asker reads."""

import logging

from redis.asyncio import Redis

from ..background import Background
from ..wire.names import Names
from .asking import FAILURES

log = logging.getLogger("gateway.broker")

TTL_S = 10


class RedisReplies:
    """Push answers to Redis.

    Args:
        client: for short commands.
        names: of this deployment.
    """

    def __init__(self, client: Redis, names: Names) -> None:
        self._client = client
        self._names = names
        self._background = Background()

    def reply(self, reply_to: str, answer: int) -> None:
        """Push an answer, soon."""
        self._background.start(self._push(self._names.reply(reply_to), answer))

    async def _push(self, key: str, answer: int) -> None:
        pipeline = self._client.pipeline(transaction=False)
        pipeline.rpush(key, answer)
        pipeline.expire(key, TTL_S)
        try:
            await pipeline.execute()
        except FAILURES as error:
            log.warning("event=reply_lost cause=%s", type(error).__name__)
