"""Reading what was published in sequence: many channels with one command.

The script that reads one of them is the same for every language (``wire/lua/history.lua``); here
it becomes a function, and is called for each.
"""

from collections.abc import Sequence
from importlib.resources import files
from secrets import token_hex
from typing import Any

from ..recovery import Question, Reading, reading_of
from ..wire import scripts
from ..wire.names import Names
from ..wire.namespaces import POSITION_TTL_S
from .scripts import ManyScript
from .servers import Servers

_POSITION_TTL_MS = POSITION_TTL_S * 1000

_EACH = files(__package__).joinpath("histories.lua").read_text("utf-8")
_READ_HISTORIES = f"local function history(KEYS, ARGV)\n{scripts.HISTORY}end\n{_EACH}"


class RedisHistory:
    """Read histories from Redis.

    Args:
        servers: are read.
        names: of this deployment.
        max_publications: how many of one channel are read at most.
        max_bytes: how many bytes of one channel are read at most.
        max_publication_bytes: larger ones are not delivered.
    """

    def __init__(
        self,
        servers: Servers,
        names: Names,
        max_publications: int,
        max_bytes: int,
        max_publication_bytes: int,
    ) -> None:
        self._names = names
        self._max_publications = max_publications
        self._max_bytes = max_bytes
        self._max_publication_bytes = max_publication_bytes
        self._histories = ManyScript(servers, _READ_HISTORIES)

    async def read_many(self, questions: Sequence[Question]) -> list[Reading]:
        """Read several channels at once, in one round trip.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        epoch = token_hex(6)  # for those channels that have none
        asked = [
            (self._keys(question.channel), self._arguments(question, epoch))
            for question in questions
        ]
        return [self._reading(reply) for reply in await self._histories.ask(asked)]

    def _keys(self, channel: str) -> tuple[str, str]:
        return self._names.history(channel), self._names.offset(channel)

    def _arguments(self, question: Question, epoch: str) -> tuple[str | int, ...]:
        seen = question.seen or ("", 0)
        is_wanted = question.after is not None
        wanted = (question.after or 0, self._max_publications if is_wanted else 0)
        return *seen, *wanted, self._max_bytes, epoch, _POSITION_TTL_MS

    def _reading(self, reply: Any) -> Reading:
        if reply is None:
            return Reading(None)
        epoch, last, found = reply
        newest_first = zip(found[::2], found[1::2], strict=True)
        return reading_of(epoch.decode(), last, newest_first, self._max_publication_bytes)
