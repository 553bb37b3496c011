"""Reading the namespaces that Django declares for all gateways."""

from typing import cast

from redis.asyncio import Redis

from ..wire.names import Names
from .errors import translated_errors


class RedisNamespaces:
    """Read the table of namespaces from Redis.

    Args:
        client: for short commands.
        names: of this deployment.
    """

    def __init__(self, client: Redis, names: Names) -> None:
        self._client = client
        self._names = names

    async def read_namespaces(self) -> bytes | None:
        """Read the table of namespaces, or None when there is none.

        Raises:
            BrokerUnavailable: Redis cannot be used now.
        """
        with translated_errors():
            return cast("bytes | None", await self._client.get(self._names.namespaces))
