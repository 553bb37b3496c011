"""Reading the histories of many channels with one command.

The script that reads one history is the same for every language (``wire/lua/history.lua``). Here it
becomes a function, which ``histories.lua`` calls for each channel.
"""

from collections.abc import Sequence
from importlib.resources import files
from secrets import token_hex
from typing import Any

from ..channels.history import HistoryReply, HistoryRequest, history_reply
from ..errors import BrokerUnavailable
from ..wire import scripts
from ..wire.names import Names
from ..wire.touches import read_mark, touch_key
from .scripts import BatchScript
from .servers.single import Servers

_EACH = files(__package__).joinpath("histories.lua").read_text("utf-8")
_READ_HISTORIES = f"local function history(KEYS, ARGV)\n{scripts.HISTORY}end\n{_EACH}"


class RedisHistory:
    """Read histories from Redis.

    Args:
        servers: hold the histories.
        names: of this deployment.
        max_publications: of one channel in one reply.
        max_bytes: of one channel in one reply.
        max_publication_bytes: larger ones are not delivered.
    """

    def __init__(
        self,
        servers: Servers,
        names: Names,
        *,
        max_publications: int,
        max_bytes: int,
        max_publication_bytes: int,
    ) -> None:
        self._servers = servers
        self._names = names
        self._max_publications = max_publications
        self._max_bytes = max_bytes
        self._max_publication_bytes = max_publication_bytes
        self._histories = BatchScript(servers, _READ_HISTORIES)

    async def read_many(self, requests: Sequence[HistoryRequest]) -> list[HistoryReply]:
        """Read several channels at once, in one round trip.

        Raises:
            BrokerUnavailable: Redis cannot be used now, or the master was replaced meanwhile.
        """
        epoch = token_hex(6)  # for channels without an epoch
        generation = self._servers.generation()
        script_requests = [
            (
                self._keys(request.channel),
                (*self._arguments(request, epoch), generation, int(request.has_history)),
            )
            for request in requests
        ]
        replies = await self._histories.run(script_requests)
        if self._servers.generation() != generation:
            raise BrokerUnavailable("the link to Redis was made anew meanwhile")
        return [self._history_reply(reply) for reply in replies]

    def _keys(self, channel: str) -> tuple[str, str, str]:
        names = self._names
        return names.history(channel), names.offset(channel), touch_key(names, channel)

    def _arguments(self, request: HistoryRequest, epoch: str) -> tuple[str | int, ...]:
        seen = request.seen or ("", 0)
        is_read = request.after is not None
        wanted = (request.after or 0, self._max_publications if is_read else 0)
        return *seen, *wanted, self._max_bytes, epoch, request.ttl_s * 1000

    def _history_reply(self, reply: Any) -> HistoryReply:
        epoch, last, found, mark = reply
        newest_first = zip(found[::2], found[1::2], strict=True)
        max_bytes, touched = self._max_publication_bytes, read_mark(mark)
        return history_reply(epoch.decode(), last, newest_first, max_bytes, touched)
