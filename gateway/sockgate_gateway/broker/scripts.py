"""Scripts that answer many requests with one call.

Strategy: such a script takes the keys and arguments of all requests one after the other, and
returns as many replies: one command to parse, one reply to read. On a cluster, one call takes keys
of one slot, so the requests are grouped by slot, and the calls of all groups share a round trip to
each node.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from redis.crc import key_slot

from ..redis_servers.scripts import Script, ScriptCall, read_by_slot, run_async
from .errors import translated_errors
from .servers.single import Servers

ScriptRequest = ScriptCall
"""Keys, which on a cluster are of one slot, and arguments."""


class BatchScript:
    """A script of that kind, which only reads.

    Args:
        servers: run it.
        text: of the script.
    """

    def __init__(self, servers: Servers, text: str) -> None:
        self._client: Any = servers.client
        self._is_sharded = servers.is_sharded
        self._script = Script(text)

    async def run(self, requests: Sequence[ScriptRequest]) -> list[Any]:
        """Return one reply for each request.

        Raises:
            BrokerUnavailable: Redis cannot be used now.
        """
        with translated_errors():
            if self._is_sharded:
                return await self._run_by_slot(requests)
            keys, arguments = _flattened(requests)
            return list(
                await run_async(
                    self._client,
                    lambda with_text: self._script.command(keys, arguments, with_text=with_text),
                )
            )

    async def _run_by_slot(self, requests: Sequence[ScriptRequest]) -> list[Any]:
        groups: dict[int, list[int]] = {}
        for place, (keys, _) in enumerate(requests):
            groups.setdefault(key_slot(keys[0].encode()), []).append(place)
        calls = [_flattened([requests[place] for place in places]) for places in groups.values()]
        replies = chain.from_iterable(await read_by_slot(self._client, self._script, calls))
        found = dict(zip(chain.from_iterable(groups.values()), replies, strict=True))
        return [found[place] for place in range(len(requests))]


def _flattened(requests: Iterable[ScriptRequest]) -> ScriptCall:
    keys: list[str] = []
    arguments: list[str | int] = []
    for request_keys, request_arguments in requests:
        keys += request_keys
        arguments += request_arguments
    return keys, arguments
