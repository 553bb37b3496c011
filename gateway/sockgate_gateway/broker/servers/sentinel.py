"""The link to the current master of a service that Sentinels watch.

Strategy: ``redis_servers/`` finds the master, and closes connections to a former one before they
are used again. It asks the Sentinels whenever it connects. That alone follows a master that is
down; it does not notice a master that was replaced and still answers, for example one that is cut
off from its Sentinels. So a new connection is asked for its role, and every probe asks the
Sentinels again. If the Sentinels do not answer, nothing changes: the link stays as long as its
probes come back.
"""

import asyncio
from contextlib import suppress
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelManagedSSLConnection
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from ...errors import BrokerUnavailable
from ...redis_servers.connection import ErrorsNameServer, HiredisConnection
from ...redis_servers.credentials import RenewedCredentials, with_credentials
from ...redis_servers.errors import is_refusal
from ...redis_servers.masters import Master, WhenDown
from ...redis_servers.options import url_options
from ...redis_servers.sentinel import AsyncFollowsMaster, AsyncMasterPool, open_async_sentinel
from ...wire.addresses import RedisAddress
from .single import (
    ONE_PROBE,
    OneServer,
    command_options,
    link_options,
    places_of,
    with_link_credentials,
)

SENTINEL_TIMEOUT_S = 1.0
UPDATE_TIMEOUT_S = 2.5
"""For asking all Sentinels in turn; with the probe's interval it stays below its timeout."""


class _ChecksRole(AsyncFollowsMaster):
    """Rejects a server that is not a master, whatever a Sentinel reports."""

    async def connect_to(self, address: tuple[str, int]) -> None:
        await super().connect_to(address)
        await self.send_command("ROLE")
        try:
            role, *_ = await self.read_response()
        except ResponseError as error:
            if is_refusal(error):
                return  # The Sentinels' word counts.
            raise
        if role != b"master":
            await self.disconnect()
            raise RedisConnectionError(f"the Sentinels' master {self._host_error()} is none")


class _MasterConnection(ErrorsNameServer, _ChecksRole, HiredisConnection):
    """A TCP connection to the master."""


class _MasterTLSConnection(ErrorsNameServer, _ChecksRole, SentinelManagedSSLConnection):
    """A TLS connection to the master."""


class _BlockingMasterPool(AsyncMasterPool, BlockingConnectionPool):
    """Waits for a free connection."""


class SentinelServers(OneServer):
    """The servers of one service, watched by Sentinels.

    Args:
        address: names the Sentinels and the service.
        credentials: of the servers, in place of user and password in the URL.
    """

    def __init__(
        self, address: RedisAddress, credentials: RenewedCredentials | None = None
    ) -> None:
        retry = Retry(NoBackoff(), 0)
        self._sentinel = open_async_sentinel(
            address, SENTINEL_TIMEOUT_S, WhenDown.FOLLOW, retry=retry
        )
        self._service = address.service
        self._link_master: Master | None = None
        options, is_tls = url_options(address)
        options["connection_class"] = _MasterTLSConnection if is_tls else _MasterConnection
        place = f"{address.service}, whose Sentinels are {places_of(address.nodes)}"
        commands = self._pool(with_credentials(command_options() | options, credentials))
        links = self._pool(with_link_credentials(link_options() | options, credentials))
        super().__init__(place, commands, links)

    def _pool(self, options: dict[str, Any]) -> _BlockingMasterPool:
        return _BlockingMasterPool(  # type: ignore[no-untyped-call]
            self._service, self._sentinel, **options
        )

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
        if self._link_master != self._sentinel.masters.current:
            raise BrokerUnavailable("the Sentinels name another master, or did in between")
        return self._link_master.generation

    async def _update_master(self) -> None:
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(UPDATE_TIMEOUT_S):
                await self._sentinel.discover_master(self._service)

    async def close(self) -> None:
        """Close all connections."""
        await super().close()
        await self._sentinel.aclose()
