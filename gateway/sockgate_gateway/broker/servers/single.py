"""The interface to Redis servers, of whatever kind, and the simplest kind: one server.

The kinds differ in two things: which server delivers the publications, and how the worker finds out
that it still does. Commands go through a client with redis-py's interface.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.connection import SSLConnection, UnixDomainSocketConnection
from redis.exceptions import RedisError, ResponseError

from ...errors import BrokerUnavailable
from ...redis_servers.connection import TCPConnection, TLSConnection, UnixConnection
from ...redis_servers.credentials import RenewedCredentials, provided_by, with_credentials
from ...redis_servers.errors import is_refusal
from ...redis_servers.options import PROTOCOL, read_url
from .generations import begin_generation, has_info, identity_in, read_identity

TIMEOUT_S = 3.0
"""A command that takes longer fails; Redis then counts as unavailable."""

ONE_PROBE = frozenset({b""})
"""The payload of the probe where one server delivers all publications."""

READER_CONNECTIONS = 4

ROLE_EVERY = 2
"""With every second probe a server is asked for its role, which is every four seconds."""

RESP3 = 3


class Servers(Protocol):
    """Redis, as one worker opens it; it connects when it is first used."""

    client: Redis
    """For short commands."""

    is_sharded: bool
    """Whether keys live on several servers, so that one command takes keys of one slot only."""

    place: str
    """Hosts and ports for the log, without credentials."""

    async def open_link(self) -> AbstractConnection:
        """Connect to a server that receives every publication, to subscribe there."""

    async def close_link(self, link: AbstractConnection) -> None:
        """Close that connection."""

    async def probe(self, link: AbstractConnection, channel: bytes) -> frozenset[bytes]:
        """Publish to a channel, and check that the link is with the right server.

        Returns:
            The payloads that were published: each must come back on the link.

        Raises:
            BrokerUnavailable: the link must be made to another server.
            redis.RedisError: a command failed.
        """

    def owners(self) -> Mapping[int, str]:
        """Return the name of the server of each slot of a cluster, as far as it is known."""

    def generation(self) -> int:
        """Return a number that grows whenever another master takes over; 0 if it is not counted.

        Raises:
            BrokerUnavailable: the link is not with the current master, so that a history that is
                read from the master does not fit to the publications from the link.
        """

    async def close(self) -> None:
        """Close all connections."""


def command_options() -> dict[str, Any]:
    """Return the options of connections for short commands.

    They never try a command twice: the caller needs to know at once that Redis is unavailable.
    """
    return {
        "connection_class": TCPConnection,
        "protocol": PROTOCOL,
        "max_connections": READER_CONNECTIONS,
        "timeout": TIMEOUT_S,
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
        "client_name": "sockgate-reader",
    }


def link_options() -> dict[str, Any]:
    """Return the options of connections that are subscribed."""
    return {
        "connection_class": TCPConnection,
        "protocol": PROTOCOL,
        "socket_timeout": None,
        "socket_connect_timeout": TIMEOUT_S,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "client_name": "sockgate-subscriber",
    }


def with_link_credentials(
    options: dict[str, Any], credentials: RenewedCredentials | None
) -> dict[str, Any]:
    """Return the options of a link that renews its login: only RESP3 permits ``AUTH`` on it."""
    if credentials is None:
        return options
    return options | provided_by(credentials) | {"protocol": RESP3}


def is_pool_busy(client: Any) -> bool:
    """Return whether a command waits for a connection first; a cluster's client never waits."""
    pool = getattr(client, "connection_pool", None)
    return isinstance(pool, BlockingConnectionPool) and not pool.can_get_connection()


class OneServer:
    """One server for all keys and publications, with a pool of connections for each purpose.

    Args:
        place: host and port, for the log.
        commands: for short commands.
        links: for subscriptions.
    """

    is_sharded = False

    def __init__(self, place: str, commands: ConnectionPool, links: ConnectionPool) -> None:
        self.place = place
        self.client = Redis.from_pool(commands)
        self._links = links

    async def open_link(self) -> AbstractConnection:
        """Connect to the server."""
        return await self._links.get_connection()  # type: ignore[no-untyped-call, no-any-return]

    async def close_link(self, link: AbstractConnection) -> None:
        """Close a connection, which may be broken."""
        with suppress(RedisError, OSError):
            await link.disconnect()
        with suppress(RedisError, OSError):
            await self._links.release(link)

    def owners(self) -> Mapping[int, str]:
        """Return nothing: there are no slots."""
        return {}

    def generation(self) -> int:
        """Return 0: the masters behind one address are not counted."""
        return 0

    async def close(self) -> None:
        """Close all connections."""
        await self._links.aclose()
        await self.client.aclose()


class SingleServer(OneServer):
    """One server, or whatever answers at one address.

    Args:
        url: in redis-py's own form.
        link_key: keeps the generation of the last link, where scripts may not run ``INFO``.
        credentials: in place of user and password in the URL.
    """

    def __init__(
        self, url: str, link_key: str, credentials: RenewedCredentials | None = None
    ) -> None:
        options = _options_of(url)
        self._link_key = link_key
        self._generation = 0
        self._identity = ""
        self._has_role = True
        self._probes = 0
        place = _place_of(options)
        commands = with_credentials(command_options() | options, credentials)
        links = with_link_credentials(link_options() | options, credentials)
        super().__init__(place, BlockingConnectionPool(**commands), ConnectionPool(**links))

    async def open_link(self) -> AbstractConnection:
        """Connect to the server, and begin a generation where ``history.lua`` needs one."""
        link = await super().open_link()
        try:
            await self._begin_generation(link)
        except BaseException:
            await self.close_link(link)
            raise
        return link

    async def _begin_generation(self, link: AbstractConnection) -> None:
        async def run(*command: Any) -> Any:
            await link.send_command(*command)
            return await link.read_response()

        self._has_role, self._probes = True, 0
        self._generation, self._identity = 0, ""
        if not await has_info(run):
            self._identity = await read_identity(run)
            self._generation = await begin_generation(run, self._link_key, self._identity)

    async def probe(self, link: AbstractConnection, channel: bytes) -> frozenset[bytes]:
        """Publish to a channel, and check that the server is still the same master.

        Raises:
            BrokerUnavailable: it is a replica, which receives only what its master replicates, or
                a proxy in between has another server now.
        """
        pipeline = self.client.pipeline(transaction=False)
        pipeline.publish(channel, b"")
        asks_role = self._has_role and self._probes % ROLE_EVERY == 0
        self._probes += 1
        if asks_role:
            pipeline.execute_command("ROLE")
        if self._identity:
            pipeline.execute_command("INFO", "replication")
        published, *replies = await pipeline.execute(raise_on_error=False)
        if isinstance(published, Exception):
            raise published
        if asks_role:
            self._check_role(replies.pop(0))
        if self._identity and identity_in(replies.pop(0)) not in ("", self._identity):
            raise BrokerUnavailable("the server was replaced")
        return ONE_PROBE

    def _check_role(self, role: object) -> None:
        if isinstance(role, ResponseError) and is_refusal(role):
            self._has_role = False  # It is assumed to be a master: a replica refuses writes.
        if isinstance(role, list) and role[0] != b"master":
            raise BrokerUnavailable("the server is a replica")

    def generation(self) -> int:
        """Return 0 where ``history.lua`` sees by itself that a server was replaced."""
        return self._generation


def _options_of(url: str) -> dict[str, Any]:
    options = read_url(url)
    ours = {SSLConnection: TLSConnection, UnixDomainSocketConnection: UnixConnection}
    if "connection_class" in options:
        options["connection_class"] = ours[options["connection_class"]]
    return options


def _place_of(options: dict[str, Any]) -> str:
    return options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"


def places_of(nodes: Iterable[tuple[str, int]]) -> str:
    """Return several hosts and ports in one line."""
    return ", ".join(f"{host}:{port}" for host, port in nodes)
