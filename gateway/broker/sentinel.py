"""The master of the moment, as Sentinels name it.

Strategy: redis-py asks the Sentinels whenever it connects. That alone follows a master that is
gone; it does not notice one that was replaced and still answers, as a master cut off from its
Sentinels does. So a new connection is asked for its role, the Sentinels are asked again with each
probe, and a connection to what is no master any more is given up before it is used again.
Sentinels that cannot be asked are no news: the link stands as long as its probes come back.
"""

import asyncio
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from ..errors import BrokerUnavailable
from ..wire.addresses import RedisAddress
from .packing import PackingConnection
from .servers import ONE_PROBE, OneServer, command_options, link_options

SENTINEL_TIMEOUT_S = 1.0
LOOK_TIMEOUT_S = 2.5
"""For asking all Sentinels in turn; with the probe's interval it stays below its time-out."""


class _MasterOnly(SentinelManagedConnection):
    """Refuses a server that is no master, whatever a Sentinel believes."""

    async def connect_to(self, address: tuple[str, int]) -> None:
        await super().connect_to(address)  # type: ignore[no-untyped-call]
        await self.send_command("ROLE")
        role, *_ = await self.read_response()
        if role != b"master":
            await self.disconnect()
            raise RedisConnectionError("the Sentinels' master is none")


class _MasterConnection(_MasterOnly, PackingConnection):
    """A TCP connection to the master."""


class _MasterTLSConnection(_MasterOnly, SentinelManagedSSLConnection):
    """A TLS connection to the master."""


class _MasterPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to the master of the moment."""

    async def get_master_address(self) -> tuple[str, int]:
        """Ask the Sentinels; while none knows a master, it is the one that was known."""
        try:
            return await super().get_master_address()  # type: ignore[no-untyped-call, no-any-return]
        except RedisError:
            if self.master_address is None:
                raise
            return self.master_address  # type: ignore[no-any-return]

    async def ensure_connection(self, connection: Any) -> None:
        """Reconnect one to a former master before it is used again."""
        if connection.is_connected and not self.is_with_master(connection):
            await connection.disconnect()
        await super().ensure_connection(connection)

    def is_with_master(self, connection: Any) -> bool:
        """Tell whether a connection leads to the last master that the Sentinels have named."""
        return (connection.host, connection.port) == self.master_address


class SentinelServers(OneServer):
    """The servers of one service, watched by Sentinels.

    Args:
        address: names the Sentinels and the service.
    """

    def __init__(self, address: RedisAddress) -> None:
        given: dict[str, Any] = {**parse_url(address.server_url)}
        is_tls = given.pop("connection_class", None) is not None
        self._sentinel = _open_sentinel(address, given, is_tls=is_tls)
        self._service = address.service
        del given["host"], given["port"]
        given["connection_class"] = _MasterTLSConnection if is_tls else _MasterConnection
        self._commands = self._pool(command_options() | given)
        super().__init__(self._commands, self._pool(link_options() | given))

    def _pool(self, options: dict[str, Any]) -> _MasterPool:
        return _MasterPool(self._service, self._sentinel, **options)  # type: ignore[no-untyped-call]

    async def probe(self, link: AbstractConnection, channel: bytes) -> frozenset[bytes]:
        """Publish to a channel, and see whether the link is still with the master.

        Raises:
            BrokerUnavailable: the Sentinels name another master.
        """
        await self.client.publish(channel, b"")
        await self._look()
        if not self._commands.is_with_master(link):
            raise BrokerUnavailable("the Sentinels name another master")
        return ONE_PROBE

    async def _look(self) -> None:
        """Ask the Sentinels for the master."""
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                await self._commands.get_master_address()
        except (RedisError, OSError, TimeoutError):
            return

    async def close(self) -> None:
        """Let go of all connections."""
        await super().close()
        await self._sentinel.aclose()


def _open_sentinel(address: RedisAddress, given: dict[str, Any], *, is_tls: bool) -> Sentinel:
    tls = {name: value for name, value in given.items() if name.startswith("ssl_")}
    options = {
        "protocol": 2,
        "ssl": is_tls,
        "socket_timeout": SENTINEL_TIMEOUT_S,
        "socket_connect_timeout": SENTINEL_TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
    }
    sentinel_kwargs = {**options, **tls, **dict(address.sentinel_options)}
    return Sentinel(address.nodes, sentinel_kwargs=sentinel_kwargs)  # type: ignore[no-untyped-call]
