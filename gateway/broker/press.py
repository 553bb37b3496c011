"""Sending publications to Redis, in the order in which they come.

Strategy: two commands on two connections may pass each other, so whoever comes while others are on
their way waits for the next round trip, which then takes all that wait (see ``batching``).
"""

from collections.abc import Sequence
from dataclasses import replace
from secrets import token_hex
from typing import Any

from redis.exceptions import NoScriptError

from ..errors import BrokerUnavailable
from ..wire.names import Names
from ..wire.outgoing import Outgoing
from .asking import FAILURES, asking_redis
from .batching import Batched
from .servers import Servers

NAME_BYTES = 8


class RedisPress:
    """Send publications to Redis.

    Args:
        servers: take them.
        names: of this deployment.
    """

    def __init__(self, servers: Servers, names: Names) -> None:
        self._client: Any = servers.client
        self._names = names
        send = self._send_each if servers.is_sharded else self._send_at_once
        self._batched: Batched[Outgoing, Any] = Batched(send)

    async def publish(self, outgoing: Outgoing) -> int:
        """Send one, after those that came before, and give its offset; 0 for a plain one.

        Raises:
            BrokerUnavailable: Redis did not take it, or it is not known whether it did.
        """
        reply = await self._batched.read(outgoing)
        if isinstance(reply, Exception):
            raise BrokerUnavailable(type(reply).__name__) from reply
        return int(reply[1]) if isinstance(reply, list) else 0

    async def _send_at_once(self, batch: Sequence[Outgoing]) -> list[Any]:
        replies = await self._pipelined(batch, with_text=False)
        if not any(isinstance(reply, NoScriptError) for reply in replies):
            return replies
        # What is kept is refused together, so that its order stays.
        unknown = [n for n, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        again = await self._pipelined([batch[n] for n in unknown], with_text=True)
        found = dict(zip(unknown, again, strict=True))
        return [found.get(n, reply) for n, reply in enumerate(replies)]

    async def _pipelined(self, batch: Sequence[Outgoing], *, with_text: bool) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for outgoing in batch:
            pipeline.execute_command(*outgoing.command(self._names, with_text=with_text))
        with asking_redis():
            return list(await pipeline.execute(raise_on_error=False))

    async def _send_each(self, batch: Sequence[Outgoing]) -> list[Any]:
        """Send one by one, for a cluster: each may live elsewhere.

        Its client tries twice, so what is kept bears a name, under which it is kept once.
        """
        return [await self._send(_named(outgoing)) for outgoing in batch]

    async def _send(self, outgoing: Outgoing) -> Any:
        reply = await self._reply(outgoing, with_text=False)
        is_unknown = isinstance(reply, NoScriptError)
        return await self._reply(outgoing, with_text=True) if is_unknown else reply

    async def _reply(self, outgoing: Outgoing, *, with_text: bool) -> Any:
        command = outgoing.command(self._names, with_text=with_text)
        try:
            return await self._client.execute_command(*command)
        except FAILURES as error:
            return error


def _named(outgoing: Outgoing) -> Outgoing:
    if outgoing.policy is None or outgoing.idempotency_key is not None:
        return outgoing
    return replace(outgoing, idempotency_key=token_hex(NAME_BYTES))
