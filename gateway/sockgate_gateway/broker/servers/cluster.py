"""A cluster: keys on many servers, and publications that every node passes on to all others.

Strategy: ``PUBLISH`` at any node reaches subscribers at all nodes, so one subscription at one node
receives everything, and a slot that moves makes no difference. (What ``SPUBLISH`` sends arrives on
links of its own, see ``broker.shards``.) Two things must be noticed: a node
whose publications do not arrive, and a primary that was replaced. The latter may have died with
publications that were on their way to the worker, so everything is subscribed and read again. A
primary that does not answer is waited for, while the publications of the others go on. A node is
asked for its role; one that refuses ``ROLE`` is asked for the slots that it knows.
"""

import asyncio
from collections.abc import Iterable, Mapping
from random import sample
from typing import Any

from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, ResponseError

from ...errors import BrokerUnavailable
from ...redis_servers.cluster import open_async_cluster
from ...redis_servers.connection import TCPConnection, TLSConnection
from ...redis_servers.credentials import RenewedCredentials, renewing
from ...redis_servers.errors import FAILURES, is_own_limit, is_refusal
from ...redis_servers.options import Timeouts, url_options
from ...wire.addresses import RedisAddress
from .generations import begin_generation, has_info
from .single import TIMEOUT_S, link_options, places_of, with_link_credentials

MAX_CONNECTIONS_PER_NODE = 64
"""Other pools wait for a free connection; redis-py's cluster opens one."""

PROBE_TIMEOUT_S = 1.5
"""A slower primary is not waited for, as the probes of all others would come too late."""

ATTEMPTS_AFTER_MOVE = 1
"""A command is tried once more, after the nodes were read again."""


class _AsksOnce:
    """Asks once at which positions commands have their keys; a part of redis-py's parser.

    redis-py asks whenever it reads the nodes: the first primary, which may be down.
    """

    node: ClusterNode | None
    commands: Mapping[str, Any]

    async def initialize(self, node: ClusterNode | None = None) -> None:
        self.node = node or self.node
        if node is None or not self.commands:
            await super().initialize(node)  # type: ignore[misc]  # That of redis-py's parser.


def _asking_once(parser: Any) -> Any:
    """Return a parser like redis-py's, which is not a public class, that asks once."""
    return type("CommandsParser", (_AsksOnce, type(parser)), {})()


class ClusterServers:
    """The nodes of a cluster.

    Args:
        address: names some of them.
        link_key: keeps the generation of the last link, where scripts may not run ``INFO``.
        credentials: in place of user and password in the URL.
    """

    is_sharded = True

    def __init__(
        self,
        address: RedisAddress,
        link_key: str,
        credentials: RenewedCredentials | None = None,
    ) -> None:
        self._link_key = link_key
        self._generation = 0
        self._has_role = True
        self.place = f"the cluster of {places_of(address.nodes)}"
        from_url, is_tls = url_options(address)
        self._link_options = with_link_credentials(link_options() | from_url, credentials)
        self._link_class = TLSConnection if is_tls else TCPConnection
        del self._link_options["connection_class"]
        self.client: Any = open_async_cluster(
            address,
            Timeouts(connect_s=TIMEOUT_S, reply_s=TIMEOUT_S),
            credentials,
            max_connections=MAX_CONNECTIONS_PER_NODE,
            retry=Retry(NoBackoff(), ATTEMPTS_AFTER_MOVE),
            client_name="sockgate-reader",
        )
        self.client.commands_parser = _asking_once(self.client.commands_parser)
        # Nodes that are found later are opened with these options.
        kind = self._link_class if credentials is None else renewing(self._link_class)
        self.client.connection_kwargs["connection_class"] = kind
        for node in self.client.nodes_manager.startup_nodes.values():
            node.connection_class = kind
        self._primaries: frozenset[str] = frozenset()

    async def open_link(self) -> AbstractConnection:
        """Connect to any primary that answers."""
        await self._read_nodes()
        primaries = self.client.get_primaries()
        self._primaries = _names(primaries)
        for node in sample(primaries, len(primaries)):
            link = self._link_class(host=node.host, port=node.port, **self._link_options)
            try:
                await link.connect()  # type: ignore[no-untyped-call]
            except FAILURES:
                continue
            try:
                await self._begin_generation()
            except BaseException:
                await self.close_link(link)
                raise
            return link
        raise RedisConnectionError("no primary answers")

    async def open_shard(self, name: str) -> AbstractConnection:
        """Connect to a primary, to subscribe to the channels of its slots there.

        Raises:
            redis.RedisError: it does not answer, or has left the cluster.
        """
        node = self.client.get_node(node_name=name)
        if node is None:
            raise RedisConnectionError("it has left the cluster")
        link = self._link_class(host=node.host, port=node.port, **self._link_options)
        await link.connect()  # type: ignore[no-untyped-call]
        return link

    def owner(self, slot: int) -> str:
        """Return the name of the primary of a slot, as far as it is known; else nothing."""
        nodes = self.client.nodes_manager.slots_cache.get(slot)
        return str(nodes[0].name) if nodes else ""

    async def follow(self, moved: str) -> None:
        """Note what a node has said about a slot: ``1234 host:port``."""
        error = MovedError(moved)
        if error.slot_id in self.client.nodes_manager.slots_cache:
            await self.client.nodes_manager.move_slot(error)

    async def read_slots(self) -> None:
        """Read which primary has which slot, and keep all connections.

        Raises:
            redis.RedisError: no node answers.
        """
        await self.client.nodes_manager.initialize()

    async def _begin_generation(self) -> None:
        """Begin a generation where ``history.lua`` needs one; a cluster has no single identity."""
        self._generation, self._has_role = 0, True
        run = self.client.execute_command
        if not await has_info(run):
            self._generation = await begin_generation(run, self._link_key, "")

    async def close_link(self, link: AbstractConnection) -> None:
        """Close that connection."""
        try:
            await link.disconnect()
        except FAILURES:
            return

    async def probe(self, link: AbstractConnection, channel: bytes) -> frozenset[bytes]:
        """Publish to a channel at every primary, and check that the primaries are the same.

        Raises:
            BrokerUnavailable: one of them was replaced, or none answers.
        """
        primaries = self.client.get_primaries()
        answers = await asyncio.gather(
            *(self._probe_node(node, channel) for node in primaries), return_exceptions=True
        )
        if self._primaries - _names(self.client.get_primaries()):
            raise BrokerUnavailable("a primary was replaced")
        pairs = zip(primaries, answers, strict=True)
        answering = _names(node for node, answer in pairs if not _is_failure(answer))
        probes = frozenset(map(str.encode, answering))
        if not probes:
            for answer in answers:
                if isinstance(answer, BaseException) and is_own_limit(answer):
                    raise answer
            raise BrokerUnavailable("no primary answers")
        return probes

    async def _probe_node(self, node: ClusterNode, channel: bytes) -> None:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            if not await self._is_primary(node):
                await self._read_nodes()
                return
            await self.client.execute_command("PUBLISH", channel, node.name, target_nodes=node)

    async def _is_primary(self, node: ClusterNode) -> bool:
        """Return whether a node takes itself for a primary."""
        if self._has_role:
            try:
                role, *_ = await self.client.execute_command("ROLE", target_nodes=node)
            except ResponseError as error:
                if not is_refusal(error):
                    raise
                self._has_role = False
            else:
                return bool(role == b"master")
        slots = await self.client.execute_command("CLUSTER SLOTS", target_nodes=node)
        return any(tuple(part["primary"]) == (node.host, node.port) for part in slots.values())

    async def _read_nodes(self) -> None:
        await self.client.aclose()  # Without it, ``initialize`` reads nothing again.
        await self.client.initialize()

    def owners(self) -> Mapping[int, str]:
        """Return the name of the primary of each slot, as far as it is known."""
        slots = self.client.nodes_manager.slots_cache
        return {slot: str(nodes[0].name) for slot, nodes in slots.items() if nodes}

    def generation(self) -> int:
        """Return 0 where ``history.lua`` sees by itself that a primary was replaced.

        Sentinels' generations are not needed: a replaced node comes back only as a replica.
        """
        return self._generation

    async def close(self) -> None:
        """Close all connections."""
        await self.client.aclose()


def _names(nodes: Iterable[Any]) -> frozenset[str]:
    return frozenset(str(node.name) for node in nodes)


def _is_failure(answer: object) -> bool:
    if isinstance(answer, BaseException) and not isinstance(answer, FAILURES):
        raise answer
    return isinstance(answer, BaseException)
