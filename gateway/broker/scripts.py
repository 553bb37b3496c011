"""Scripts that answer many questions with one call.

Strategy: a script takes the keys and arguments of all questions one after the other, and gives as
many answers: one command to parse, one reply to read. On a cluster, one call takes keys of one
slot, so the questions are grouped, and the calls of all groups share a round trip to each node.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from redis.crc import key_slot
from redis.exceptions import NoScriptError

from .asking import asking_redis
from .servers import Servers

Question = tuple[Sequence[str], Sequence[str | int]]
"""Keys, which on a cluster are of one slot, and arguments."""


class ManyScript:
    """A script of that kind.

    Args:
        servers: run it.
        text: of the script.
    """

    def __init__(self, servers: Servers, text: str) -> None:
        self._client: Any = servers.client
        self._is_sharded = servers.is_sharded
        self._text = text
        self._sha1 = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._at_once: Any = None if servers.is_sharded else self._client.register_script(text)

    async def ask(self, questions: Sequence[Question]) -> list[Any]:
        """Give an answer to each.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        with asking_redis():
            if self._is_sharded:
                return await self._ask_by_slot(questions)
            keys, arguments = _joined(questions)
            return list(await self._at_once(keys=keys, args=arguments))

    async def _ask_by_slot(self, questions: Sequence[Question]) -> list[Any]:
        groups: dict[int, list[int]] = {}
        for place, (keys, _) in enumerate(questions):
            groups.setdefault(key_slot(keys[0].encode()), []).append(place)
        calls = [[questions[place] for place in places] for places in groups.values()]
        answers = chain.from_iterable(await self._call_each(calls))
        found = dict(zip(chain.from_iterable(groups.values()), answers, strict=True))
        return [found[place] for place in range(len(questions))]

    async def _call_each(self, calls: Sequence[Sequence[Question]]) -> list[Any]:
        try:
            return await self._pipelined(calls)
        except NoScriptError:
            await self._client.script_load(self._text)
            return await self._pipelined(calls)

    async def _pipelined(self, calls: Iterable[Sequence[Question]]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for call in calls:
            keys, arguments = _joined(call)
            pipeline.execute_command("EVALSHA", self._sha1, len(keys), *keys, *arguments)
        return list(await pipeline.execute())


def _joined(questions: Iterable[Question]) -> tuple[list[str], list[str | int]]:
    keys: list[str] = []
    arguments: list[str | int] = []
    for its_keys, its_arguments in questions:
        keys += its_keys
        arguments += its_arguments
    return keys, arguments
