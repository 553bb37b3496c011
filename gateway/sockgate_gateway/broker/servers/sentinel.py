"""The current master of a service that Sentinels watch.

Strategy: redis-py asks the Sentinels whenever it connects. That alone follows a master that is
down; it does not notice a master that was replaced and still answers, for example one that is cut
off from its Sentinels. So a new connection is asked for its role, and every probe asks the
Sentinels again. A connection to a server that is no longer the master, or was not the master in
between (see ``master``), is closed before it is used again. If the Sentinels do not answer, nothing
changes: the link stays as long as its probes come back.
"""

import asyncio
from contextlib import suppress
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from ...errors import BrokerUnavailable
from ...redis_servers.connection import ErrorsNameServer, HiredisConnection
from ...redis_servers.options import url_options
from ...redis_servers.sentinel import open_async_sentinel
from ...wire.addresses import RedisAddress
from .master import Master, MasterTracker
from .single import ONE_PROBE, OneServer, command_options, link_options, places_of

SENTINEL_TIMEOUT_S = 1.0
UPDATE_TIMEOUT_S = 2.5
"""For asking all Sentinels in turn; with the probe's interval it stays below its timeout."""


class _MasterOnly(SentinelManagedConnection):
    """Rejects a server that is no master, whatever a Sentinel reports.

    ``master`` is the one to which it is connected.
    """

    master: Master | None = None

    async def connect_to(self, address: tuple[str, int]) -> None:
        master = self.connection_pool.tracker.current
        if master is None or master.address != address:
            raise RedisConnectionError("the master was replaced")
        await super().connect_to(address)  # type: ignore[no-untyped-call]
        await self.send_command("ROLE")
        role, *_ = await self.read_response()
        if role != b"master":
            await self.disconnect()
            raise RedisConnectionError(f"the Sentinels' master {self._host_error()} is none")
        self.master = master


class _MasterConnection(ErrorsNameServer, _MasterOnly, HiredisConnection):
    """A TCP connection to the master."""


class _MasterTLSConnection(ErrorsNameServer, _MasterOnly, SentinelManagedSSLConnection):
    """A TLS connection to the master."""


class _MasterPool(SentinelConnectionPool, BlockingConnectionPool):
    def __init__(self, tracker: MasterTracker, *args: Any, **options: Any) -> None:
        self.tracker = tracker
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]

    async def get_master_address(self) -> tuple[str, int]:
        return (await self.tracker.update()).address

    async def ensure_connection(self, connection: Any) -> None:
        """Reconnect a connection to a former master before it is used again."""
        if connection.is_connected and connection.master != self.tracker.current:
            await connection.disconnect()
        await super().ensure_connection(connection)


class SentinelServers(OneServer):
    """The servers of one service, watched by Sentinels.

    Args:
        address: names the Sentinels and the service.
    """

    def __init__(self, address: RedisAddress) -> None:
        retry = Retry(NoBackoff(), 0)
        self._sentinel = open_async_sentinel(address, SENTINEL_TIMEOUT_S, retry=retry)
        self._service = address.service
        self._tracker = MasterTracker(self._sentinel, address.service)
        self._link_master: Master | None = None
        options, is_tls = url_options(address)
        options["connection_class"] = _MasterTLSConnection if is_tls else _MasterConnection
        place = f"{address.service}, whose Sentinels are {places_of(address.nodes)}"
        commands, links = (self._pool(of | options) for of in (command_options(), link_options()))
        super().__init__(place, commands, links)

    def _pool(self, options: dict[str, Any]) -> _MasterPool:
        return _MasterPool(self._tracker, self._service, self._sentinel, **options)

    async def open_link(self) -> AbstractConnection:
        """Connect to the master."""
        link: Any = await super().open_link()
        self._link_master = link.master
        return link  # type: ignore[no-any-return]

    async def close_link(self, link: AbstractConnection) -> None:
        """Close that connection."""
        self._link_master = None
        await super().close_link(link)

    async def probe(self, link: AbstractConnection, channel: bytes) -> frozenset[bytes]:
        """Publish to a channel, and check that the link is still with the master.

        Raises:
            BrokerUnavailable: the Sentinels report another master, or did in between.
        """
        await self.client.publish(channel, b"")
        await self._update_master()
        self.generation()
        return ONE_PROBE

    def generation(self) -> int:
        """Return the config epoch of the link's master.

        Raises:
            BrokerUnavailable: there is no link, or it is not with the current master.
        """
        if self._link_master is None:
            raise BrokerUnavailable("no link")
        if self._link_master != self._tracker.current:
            raise BrokerUnavailable("the Sentinels name another master, or did in between")
        return self._link_master.generation

    async def _update_master(self) -> None:
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(UPDATE_TIMEOUT_S):
                await self._tracker.update()

    async def close(self) -> None:
        """Close all connections."""
        await super().close()
        await self._sentinel.aclose()
