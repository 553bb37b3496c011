"""Reading what was published in sequence: many channels with one command.

The script that reads one of them is the same for every language (``wire/lua/history.lua``); here
it becomes a function, and is called for each.
"""

from collections.abc import Sequence
from importlib.resources import files
from secrets import token_hex
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ..errors import BrokerUnavailable
from ..recovery import Question, Reading, reading_of
from ..wire import scripts
from ..wire.names import Names
from ..wire.namespaces import POSITION_TTL_S

_POSITION_TTL_MS = POSITION_TTL_S * 1000

_EACH = files(__package__).joinpath("histories.lua").read_text("utf-8")
_READ_HISTORIES = f"local function history(KEYS, ARGV)\n{scripts.HISTORY}end\n{_EACH}"


class RedisHistory:
    """Read histories from Redis.

    Args:
        client: for short commands.
        names: of this deployment.
        max_publications: how many of one channel are read at most.
        max_bytes: how many bytes of one channel are read at most.
    """

    def __init__(self, client: Redis, names: Names, max_publications: int, max_bytes: int) -> None:
        self._names = names
        self._max_publications = max_publications
        self._max_bytes = max_bytes
        self._read_histories: Any = client.register_script(_READ_HISTORIES)

    async def read_many(self, questions: Sequence[Question]) -> list[Reading]:
        """Read several channels at once, in one round trip.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        keys: list[str] = []
        arguments: list[str | int] = []
        for question in questions:
            channel = question.channel
            keys += (self._names.history(channel), self._names.offset(channel))
            arguments += self._arguments(question)
        try:
            replies = await self._read_histories(keys=keys, args=arguments)
        except (RedisError, OSError) as error:
            raise BrokerUnavailable(type(error).__name__) from error
        return [_reading(reply) for reply in replies]

    def _arguments(self, question: Question) -> tuple[str | int, ...]:
        seen = question.seen or ("", 0)
        is_wanted = question.after is not None
        wanted = (question.after or 0, self._max_publications if is_wanted else 0)
        return *seen, *wanted, self._max_bytes, token_hex(6), _POSITION_TTL_MS


def _reading(reply: Any) -> Reading:
    if reply is None:
        return Reading(None)
    epoch, last, found = reply
    return reading_of(epoch.decode(), last, zip(found[::2], found[1::2], strict=True))
