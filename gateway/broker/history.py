"""Reading what was published in sequence: one script for each channel, many in one round trip."""

from collections.abc import Sequence
from secrets import token_hex
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError, ResponseError

from ..errors import BrokerUnavailable
from ..recovery import Question, Reading, reading_of
from ..wire import scripts
from ..wire.names import Names
from ..wire.namespaces import POSITION_TTL_S

_POSITION_TTL_MS = POSITION_TTL_S * 1000


class RedisHistory:
    """Read histories from Redis.

    Args:
        client: for short commands.
        names: of this deployment.
        max_publications: how many of one channel are read at most.
        max_bytes: how many bytes of one channel are read at most.
    """

    def __init__(self, client: Redis, names: Names, max_publications: int, max_bytes: int) -> None:
        self._client = client
        self._names = names
        self._max_publications = max_publications
        self._max_bytes = max_bytes
        self._sha = client.register_script(scripts.HISTORY).sha

    async def read_many(self, questions: Sequence[Question]) -> list[Reading]:
        """Read several channels at once, in one round trip.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        try:
            replies = await self._ask(questions)
            if any(isinstance(reply, NoScriptError) for reply in replies):
                await self._client.script_load(scripts.HISTORY)
                replies = await self._ask(questions)
        except (RedisError, OSError) as error:
            raise BrokerUnavailable(type(error).__name__) from error
        return [_reading(reply) for reply in replies]

    async def _ask(self, questions: Sequence[Question]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for question in questions:
            keys = self._names.history(question.channel), self._names.offset(question.channel)
            pipeline.evalsha(self._sha, 2, *keys, *self._arguments(question))
        return list(await pipeline.execute(raise_on_error=False))

    def _arguments(self, question: Question) -> tuple[str | int, ...]:
        seen = question.seen or ("", 0)
        is_wanted = question.after is not None
        wanted = (question.after or 0, self._max_publications if is_wanted else 0)
        return *seen, *wanted, self._max_bytes, token_hex(6), _POSITION_TTL_MS


def _reading(reply: Any) -> Reading:
    if isinstance(reply, ResponseError):  # Somebody else's key: a channel without a history.
        return Reading(None)
    if isinstance(reply, Exception):
        raise BrokerUnavailable(type(reply).__name__) from reply
    epoch, last, found = reply
    return reading_of(epoch.decode(), last, zip(found[::2], found[1::2], strict=True))
