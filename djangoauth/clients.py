"""How a Redis client is opened. Imports nothing of Django, so that scripts can use it.

The URL says which kind of Redis there is; see ``gateway.wire.addresses``.
"""

from typing import Any, cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.cluster import ClusterNode as AsyncClusterNode
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import ExponentialWithJitterBackoff
from redis.cluster import ClusterNode
from redis.connection import SSLConnection, parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel

from gateway.wire.addresses import Kind, RedisAddress, read_address

from .clusters import AsyncCluster, Cluster
from .masters import AsyncMasterPool, MasterPool

RETRIES = 2
CONNECT_TIMEOUT_S = 2.0
REPLY_TIMEOUT_S = 5.0
"""Each of the two may be set in the URL instead: ``?socket_timeout=1``."""

SENTINEL_TIMEOUT_S = 1.0


def open_client(url: str, retries: int) -> Redis:
    """Open a client that tries a command so many times again.

    It connects when first used; that of a cluster looks for the nodes here.

    Raises:
        redis.RedisError: no node of the cluster answers.
        gateway.wire.errors.AddressError: the URL is of no form that is known.
    """
    address, retry = read_address(url), Retry(_backoff(), retries)
    if address.kind is Kind.SENTINEL:
        return cast("Redis", _master_of(Sentinel, MasterPool, address, retry))
    if address.kind is Kind.CLUSTER:
        nodes = [ClusterNode(*node) for node in address.nodes]  # type: ignore[no-untyped-call]
        return cast("Redis", _cluster_of(Cluster, nodes, address, retry))
    return Redis.from_url(address.server_url, retry=retry, **_options())


def open_async_client(url: str, retries: int) -> AsyncRedis:
    """Open the asyncio twin."""
    address, retry = read_address(url), AsyncRetry(_backoff(), retries)
    if address.kind is Kind.SENTINEL:
        return cast("AsyncRedis", _master_of(AsyncSentinel, AsyncMasterPool, address, retry))
    if address.kind is Kind.CLUSTER:
        nodes = [AsyncClusterNode(*node) for node in address.nodes]
        return cast("AsyncRedis", _cluster_of(AsyncCluster, nodes, address, retry))
    return AsyncRedis.from_url(address.server_url, retry=retry, **_options())


def close_client(client: Any) -> None:
    """Close a client, and whatever it finds its server with."""
    client.close()
    if sentinel := _sentinel_of(client):
        sentinel.close()


async def close_async_client(client: Any) -> None:
    """Close the asyncio twin."""
    await client.aclose()
    if sentinel := _sentinel_of(client):
        await sentinel.aclose()


def _sentinel_of(client: Any) -> Any:
    pool = getattr(client, "connection_pool", None)
    return getattr(pool, "sentinel_manager", None)


def _master_of(kind: Any, pool: Any, address: RedisAddress, retry: Any) -> Any:
    sentinel = kind(address.nodes, sentinel_kwargs=_sentinel_options(address))
    options = {"connection_pool_class": pool, "retry": retry, **_server_options(address)}
    return sentinel.master_for(address.service, **options)


def _cluster_of(kind: Any, nodes: list[Any], address: RedisAddress, retry: Any) -> Any:
    # Any key that moved shows that the cluster is another.
    options = {"retry": retry, "reinitialize_steps": 1, **_server_options(address)}
    return kind(startup_nodes=nodes, **options)


def _backoff() -> ExponentialWithJitterBackoff:
    return ExponentialWithJitterBackoff(base=0.05, cap=0.5)


def _options() -> dict[str, Any]:
    return {
        "protocol": 2,
        "socket_timeout": REPLY_TIMEOUT_S,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
    }


def _server_options(address: RedisAddress) -> dict[str, Any]:
    """Give what the URL says of the servers, but for where they are."""
    given: dict[str, Any] = {**parse_url(address.server_url)}  # type: ignore[no-untyped-call]
    is_tls = given.pop("connection_class", None) is SSLConnection
    del given["host"], given["port"]
    return {**_options(), **given, "ssl": is_tls}


def _sentinel_options(address: RedisAddress) -> dict[str, Any]:
    """Give how the Sentinels are asked; their TLS is that of the servers."""
    servers = _server_options(address)
    tls = {name: value for name, value in servers.items() if name.startswith("ssl")}
    timeouts = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), SENTINEL_TIMEOUT_S)
    return {"protocol": 2, **timeouts, **tls, **dict(address.sentinel_options)}
