"""Clients of a cluster whose every failure is a ``RedisError``.

redis-py raises ``RedisClusterException``, which is no ``RedisError``, when no node answers or a
slot has no node.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis.asyncio.cluster import ClusterNode as AsyncClusterNode
from redis.asyncio.cluster import ClusterPipeline as AsyncClusterPipeline
from redis.asyncio.cluster import RedisCluster as AsyncRedisCluster
from redis.cluster import ClusterNode, RedisCluster
from redis.credentials import CredentialProvider
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException

from ..wire.addresses import RedisAddress
from .credentials import with_credentials
from .options import Timeouts, server_options

REINITIALIZE_STEPS = 1
"""One key that has moved makes the client read the nodes again."""


@contextmanager
def _cluster_errors() -> Iterator[None]:
    try:
        yield
    except RedisClusterException as error:
        raise RedisConnectionError(str(error)) from error


class Cluster(RedisCluster):
    """A client of a cluster; its constructor connects and reads the nodes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        with _cluster_errors():
            super().__init__(*args, **kwargs)

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command."""
        with _cluster_errors():
            return super().execute_command(*args, **kwargs)  # type: ignore[no-untyped-call]

    def pipeline(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pipeline. Commands of several keys, such as ``delete``, use one, too."""
        pipeline: Any = super().pipeline(*args, **kwargs)  # type: ignore[no-untyped-call]
        pipeline.execute = _translating_errors_of(pipeline.execute)
        return pipeline


def _translating_errors_of(execute: Callable[..., Any]) -> Callable[..., Any]:
    def translating(*args: Any, **kwargs: Any) -> Any:
        with _cluster_errors():
            return execute(*args, **kwargs)

    return translating


class _AsyncPipeline(AsyncClusterPipeline):
    async def initialize(self) -> AsyncClusterPipeline:
        with _cluster_errors():
            return await super().initialize()

    async def execute(self, *args: Any, **kwargs: Any) -> list[Any]:
        with _cluster_errors():
            return await super().execute(*args, **kwargs)


class AsyncCluster(AsyncRedisCluster):
    """The asyncio twin; it reads the nodes when it is first used.

    ``initialize`` still raises ``RedisClusterException``: redis-py calls it, and would try again
    after a ``ConnectionError``.
    """

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command."""
        with _cluster_errors():
            return await super().execute_command(*args, **kwargs)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> AsyncClusterPipeline:
        """Return a pipeline."""
        return _AsyncPipeline(self, transaction)  # type: ignore[abstract]


def open_cluster(
    address: RedisAddress,
    timeouts: Timeouts,
    credentials: CredentialProvider | None = None,
    **options: Any,
) -> Cluster:
    """Open a client of a cluster; it connects at once.

    Args:
        address: names some of the nodes.
        timeouts: for every node.
        credentials: in place of user and password in the URL.
        options: of redis-py's client; what the URL says counts more.

    Raises:
        redis.RedisError: no node answers.
    """
    nodes = [ClusterNode(*node) for node in address.nodes]  # type: ignore[no-untyped-call]
    return Cluster(startup_nodes=nodes, **_options(address, timeouts, credentials, options))


def open_async_cluster(
    address: RedisAddress,
    timeouts: Timeouts,
    credentials: CredentialProvider | None = None,
    **options: Any,
) -> AsyncCluster:
    """Open the asyncio twin; it connects when it is first used."""
    nodes = [AsyncClusterNode(*node) for node in address.nodes]
    return AsyncCluster(startup_nodes=nodes, **_options(address, timeouts, credentials, options))


def _options(
    address: RedisAddress,
    timeouts: Timeouts,
    credentials: CredentialProvider | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    from_url = with_credentials(server_options(address, timeouts), credentials)
    return {"reinitialize_steps": REINITIALIZE_STEPS, **options, **from_url}
