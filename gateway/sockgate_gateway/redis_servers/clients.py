"""Clients of Redis, opened by URL; see ``sockgate_gateway.wire.addresses`` for the URLs."""

from typing import Any, cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.credentials import CredentialProvider
from redis.retry import Retry

from ..wire.addresses import Kind, PubSub, RedisAddress, read_address
from .cluster import open_async_cluster, open_cluster
from .credentials import RenewedCredentials, provided_by, renewing
from .masters import WhenDown
from .options import PROTOCOL, Timeouts, secrets_of, server_options
from .sentinel import AsyncAskingMasterPool, MasterPool, open_async_sentinel, open_sentinel


def open_client(
    url: str, timeouts: Timeouts, retry: Retry, credentials: CredentialProvider | None = None
) -> Redis:
    """Open a client.

    It connects when it is first used; the client of a cluster reads the nodes here.

    Args:
        url: of Redis.
        timeouts: for connections and replies.
        retry: how often a command is tried again.
        credentials: in place of user and password in the URL. Connections to one server or to a
            master of Sentinels renew ``RenewedCredentials``; those to a cluster are opened anew.

    Raises:
        redis.RedisError: no node of the cluster answers.
        sockgate_gateway.wire.errors.AddressError: the URL has none of the known forms.
    """
    address = read_address(url)
    if address.kind is Kind.SENTINEL:
        sentinel = open_sentinel(address, timeouts.sentinel_s)
        client = _master_of(sentinel, MasterPool, address, timeouts, retry)
    elif address.kind is Kind.CLUSTER:
        return cast("Redis", open_cluster(address, timeouts, credentials, retry=retry))
    else:
        client = _server_of(Redis, address, timeouts, retry)
    return cast("Redis", _log_in_with(client, credentials))


def open_async_client(
    url: str, timeouts: Timeouts, retry: AsyncRetry, credentials: CredentialProvider | None = None
) -> AsyncRedis:
    """Open the asyncio twin; it always connects when it is first used."""
    address = read_address(url)
    if address.kind is Kind.SENTINEL:
        watch = open_async_sentinel(address, timeouts.sentinel_s, WhenDown.FAIL)
        pool = AsyncAskingMasterPool
        client = _master_of(watch, pool, address, timeouts, retry)
    elif address.kind is Kind.CLUSTER:
        return cast("AsyncRedis", open_async_cluster(address, timeouts, credentials, retry=retry))
    else:
        client = _server_of(AsyncRedis, address, timeouts, retry)
    return cast("AsyncRedis", _log_in_with(client, credentials))


def _log_in_with(client: Any, credentials: CredentialProvider | None) -> Any:
    """Give the pool of a new client the provider, in place of user and password."""
    if credentials is not None:
        pool = client.connection_pool
        pool.connection_kwargs.update(provided_by(credentials))
        if isinstance(credentials, RenewedCredentials):
            pool.connection_class = renewing(pool.connection_class)
    return client


def close_client(client: Any) -> None:
    """Close a client, and the clients of its Sentinels."""
    client.close()
    if sentinel := _sentinel_of(client):
        sentinel.close()


async def close_async_client(client: Any) -> None:
    """Close the asyncio twin."""
    await client.aclose()
    if sentinel := _sentinel_of(client):
        await sentinel.aclose()


def database_of(redis: Any) -> int:
    """Return the number of the database of a URL or a client; a cluster has only 0."""
    if isinstance(redis, str):
        return read_address(redis).database
    pool = getattr(redis, "connection_pool", None)
    return int(getattr(pool, "connection_kwargs", {}).get("db") or 0)


def pubsub_of(redis: Any) -> PubSub:
    """Return how publications travel, by a URL; a client does not know."""
    return read_address(redis).pubsub if isinstance(redis, str) else PubSub.CLASSIC


def _sentinel_of(client: Any) -> Any:
    pool = getattr(client, "connection_pool", None)
    return getattr(pool, "sentinel_manager", None)


def _server_of(kind: Any, address: RedisAddress, timeouts: Timeouts, retry: Any) -> Any:
    options = timeouts.options()
    client = kind.from_url(address.server_url, retry=retry, protocol=PROTOCOL, **options)
    known = client.connection_pool.connection_kwargs
    known.update(secrets_of(known))
    if timeouts.is_fixed:
        known.update(options)
    return client


def _master_of(
    sentinel: Any, pool: Any, address: RedisAddress, timeouts: Timeouts, retry: Any
) -> Any:
    options = server_options(address, timeouts)
    return sentinel.master_for(address.service, connection_pool_class=pool, retry=retry, **options)
