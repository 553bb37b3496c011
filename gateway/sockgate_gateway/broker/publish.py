"""Sending the publications of clients to Redis, in the order in which they come.

Strategy: two commands on two connections may overtake each other. So publications that come while
others are on their way wait for the next round trip, which then takes all that wait (see
``loop.batching``).
"""

from collections.abc import Sequence
from dataclasses import replace
from secrets import token_hex
from typing import Any

from ..loop.batching import BatchedCalls
from ..redis_servers.errors import FAILURES
from ..redis_servers.scripts import Command, run_async, run_each_async
from ..wire.names import Names
from ..wire.publish_request import PublishRequest
from .errors import translated_errors, unavailable
from .servers.single import Servers

KEY_BYTES = 8


class RedisPublisher:
    """Send publications to Redis.

    Args:
        servers: receive them.
        names: of this deployment.
    """

    def __init__(self, servers: Servers, names: Names) -> None:
        self._client: Any = servers.client
        self._names = names
        send = self._send_each if servers.is_sharded else self._send_together
        self._calls: BatchedCalls[PublishRequest, Any] = BatchedCalls(send)

    async def publish(self, request: PublishRequest) -> int:
        """Send a publication, after those that came before it.

        Returns:
            Its offset; 0 for a plain publication.

        Raises:
            BrokerUnavailable: Redis rejected it, or it is unknown whether Redis has it.
        """
        reply = await self._calls.call(request)
        if isinstance(reply, Exception):
            raise unavailable(reply) from reply
        return int(reply[1]) if isinstance(reply, list) else 0

    async def _send_together(self, batch: Sequence[PublishRequest]) -> list[Any]:
        with translated_errors():
            return await run_each_async(self._client, [*map(self._command, batch)])

    async def _send_each(self, batch: Sequence[PublishRequest]) -> list[Any]:
        """Send one by one: on a cluster each may belong to another node.

        The client of a cluster tries twice, so a sequenced publication gets an idempotency key.
        """
        return [await self._send(_with_key(request)) for request in batch]

    async def _send(self, request: PublishRequest) -> Any:
        try:
            return await run_async(self._client, self._command(request))
        except FAILURES as error:
            return error

    def _command(self, request: PublishRequest) -> Command:
        return lambda with_text: request.command(self._names, with_text=with_text)


def _with_key(request: PublishRequest) -> PublishRequest:
    if request.policy is None or request.idempotency_key is not None:
        return request
    return replace(request, idempotency_key=token_hex(KEY_BYTES))
