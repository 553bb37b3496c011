"""A cluster: keys in many places, and publications that every node passes on to every other.

Strategy: ``PUBLISH`` at any node reaches subscribers at all of them, so one subscription at one
node hears everything, and a shard that moves makes no difference to it. What must be noticed is a
node whose publications do not arrive, and a primary that was replaced: it may have died with
publications that were on their way to us, so everything is subscribed and read again. A primary
that cannot be asked is waited for, while those of the others are heard.
"""

import asyncio
from collections.abc import Iterable
from random import sample
from typing import Any

from redis._parsers.commands import AsyncCommandsParser
from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import AbstractConnection, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from ..errors import BrokerUnavailable
from ..wire.addresses import RedisAddress
from .asking import FAILURES
from .packing import PackingConnection
from .servers import TIMEOUT_S, link_options

MAX_CONNECTIONS_PER_NODE = 64
"""Where the others wait for a free connection, redis-py's cluster opens one."""

PROBE_TIMEOUT_S = 1.5
"""A primary that takes longer is not waited for, as it would make the others seem silent."""


class _Commands(AsyncCommandsParser):
    """Asks once where the keys of commands stand.

    redis-py asks again whenever it looks at the cluster: the first primary, dead or not.
    """

    async def initialize(self, node: ClusterNode | None = None) -> None:
        self.node = node or self.node
        if node is None or not self.commands:
            await super().initialize(node)


class ClusterServers:
    """The nodes of a cluster.

    Args:
        address: names some of them.
    """

    is_sharded = True

    def __init__(self, address: RedisAddress) -> None:
        given: dict[str, Any] = {**parse_url(address.server_url)}
        is_tls = given.pop("connection_class", None) is SSLConnection
        del given["host"], given["port"]
        self._link_options = link_options() | given
        self._link_class = SSLConnection if is_tls else PackingConnection
        del self._link_options["connection_class"]
        options = {
            "protocol": 2,
            "max_connections": MAX_CONNECTIONS_PER_NODE,
            "socket_timeout": TIMEOUT_S,
            "socket_connect_timeout": TIMEOUT_S,
            # Once more, after a look at where the keys are now.
            "retry": Retry(NoBackoff(), 1),
            "reinitialize_steps": 1,
            "client_name": "sockgate-reader",
            "ssl": is_tls,
        }
        nodes = [ClusterNode(host, port) for host, port in address.nodes]
        self.client: Any = RedisCluster(startup_nodes=nodes, **{**options, **given})
        self.client.commands_parser = _Commands()
        self._primaries: frozenset[str] = frozenset()

    async def open_link(self) -> AbstractConnection:
        """Connect to one of the primaries, any that answers."""
        await self.client.aclose()  # It looks again at who they are.
        await self.client.initialize()
        primaries = self.client.get_primaries()
        self._primaries = _names(primaries)
        for node in sample(primaries, len(primaries)):
            link = self._link_class(host=node.host, port=node.port, **self._link_options)
            try:
                await link.connect()  # type: ignore[no-untyped-call]
            except FAILURES:
                continue
            return link
        raise RedisConnectionError("no primary answers")

    async def close_link(self, link: AbstractConnection) -> None:
        """Let go of that connection."""
        try:
            await link.disconnect()
        except FAILURES:
            return

    async def probe(self, link: AbstractConnection, channel: bytes) -> frozenset[bytes]:
        """Publish to a channel at every primary, and see whether they are still the same.

        Raises:
            BrokerUnavailable: one of them was replaced, or none answers.
        """
        primaries = self.client.get_primaries()
        answers = await asyncio.gather(
            *(self._probe_one(node, channel) for node in primaries), return_exceptions=True
        )
        if self._primaries - _names(self.client.get_primaries()):
            raise BrokerUnavailable("a primary was replaced")
        asked = zip(primaries, answers, strict=True)
        marks = _marks(node for node, answer in asked if not _is_failure(answer))
        if not marks:
            raise BrokerUnavailable("no primary answers")
        return marks

    async def _probe_one(self, node: ClusterNode, channel: bytes) -> None:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await self._ask(node, channel)

    async def _ask(self, node: ClusterNode, channel: bytes) -> None:
        role, *_ = await self.client.execute_command("ROLE", target_nodes=node)
        if role != b"master":
            await self.client.aclose()
            await self.client.initialize()
            return
        await self.client.execute_command("PUBLISH", channel, node.name, target_nodes=node)

    async def close(self) -> None:
        """Let go of all connections."""
        await self.client.aclose()


def _names(nodes: Iterable[Any]) -> frozenset[str]:
    return frozenset(str(node.name) for node in nodes)


def _marks(nodes: Iterable[Any]) -> frozenset[bytes]:
    return frozenset(name.encode() for name in _names(nodes))


def _is_failure(answer: object) -> bool:
    if isinstance(answer, BaseException) and not isinstance(answer, FAILURES):
        raise answer
    return isinstance(answer, BaseException)
