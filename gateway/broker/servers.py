"""Redis, however many servers it is: what the broker asks of it, and the simplest, one server.

Two things differ from one kind of Redis to another: which server hears the publications for us,
and how we know that it still does. Commands go through a client that looks like redis-py's own.
"""

from contextlib import suppress
from typing import Any, Protocol

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ..errors import BrokerUnavailable
from .packing import PackingConnection

TIMEOUT_S = 3.0
"""A command that takes longer finds Redis unavailable."""

ONE_PROBE = frozenset({b""})
"""What is published where one server speaks for all."""

_READERS = 4


class Servers(Protocol):
    """Redis, as one worker opens it; it connects when first used."""

    client: Redis
    """For short commands."""

    is_sharded: bool
    """Whether keys live in several places, so that one command may take those of one slot only."""

    async def open_link(self) -> AbstractConnection:
        """Connect to a server that hears every publication, to subscribe there."""

    async def close_link(self, link: AbstractConnection) -> None:
        """Let go of that connection."""

    async def probe(self, link: AbstractConnection, channel: bytes) -> frozenset[bytes]:
        """Publish to a channel, and see whether the link is still where it should be.

        Returns:
            What was published: each must come back on the link.

        Raises:
            BrokerUnavailable: another server is to be heard now.
            redis.RedisError: Redis cannot be asked now.
        """

    async def close(self) -> None:
        """Let go of all connections."""


def command_options() -> dict[str, Any]:
    """Give the options of connections for short commands.

    They never try a command twice: whoever asks would rather hear at once that Redis is away.
    """
    return {
        "connection_class": PackingConnection,
        "protocol": 2,  # With 3, redis-py 8 hands out idle connections that Redis has closed.
        "max_connections": _READERS,
        "timeout": TIMEOUT_S,
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
        "client_name": "sockgate-reader",
    }


def link_options() -> dict[str, Any]:
    """Give the options of connections that are subscribed."""
    return {
        "connection_class": PackingConnection,
        "protocol": 2,
        "socket_timeout": None,
        "socket_connect_timeout": TIMEOUT_S,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "client_name": "sockgate-subscriber",
    }


class OneServer:
    """One server that speaks for all, and a pool of connections for each purpose.

    Args:
        commands: for short commands.
        links: for subscriptions.
    """

    is_sharded = False

    def __init__(self, commands: ConnectionPool, links: ConnectionPool) -> None:
        self.client = Redis.from_pool(commands)
        self._links = links

    async def open_link(self) -> AbstractConnection:
        """Connect to the server."""
        return await self._links.get_connection()  # type: ignore[no-untyped-call, no-any-return]

    async def close_link(self, link: AbstractConnection) -> None:
        """Let go of a connection that may be broken, or of no further use."""
        with suppress(RedisError, OSError):
            await link.disconnect()
        with suppress(RedisError, OSError):
            await self._links.release(link)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._links.aclose()
        await self.client.aclose()


class SingleServer(OneServer):
    """One server, or whatever stands at one address.

    Args:
        url: of redis-py's own form.
    """

    def __init__(self, url: str) -> None:
        commands = BlockingConnectionPool.from_url(url, **command_options())
        super().__init__(commands, ConnectionPool.from_url(url, **link_options()))

    async def probe(self, link: AbstractConnection, channel: bytes) -> frozenset[bytes]:
        """Publish to a channel, and see whether the server is still a master.

        Raises:
            BrokerUnavailable: it is a replica, which hears what its master sends it, and no more.
        """
        pipeline = self.client.pipeline(transaction=False)
        pipeline.publish(channel, b"")
        pipeline.role()
        published, role = await pipeline.execute(raise_on_error=False)
        if isinstance(published, Exception):
            raise published
        # Who may not ask for the role is believed to have named a master.
        if isinstance(role, list) and role[0] != b"master":
            raise BrokerUnavailable("the server is a replica")
        return ONE_PROBE
