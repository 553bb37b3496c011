"""Sending publications to Redis, one or many, with any kind of client.

redis-py is imported when something is sent: sites import ``publish`` where they may never call it.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.publish_request import PublishRequest

from ..redis_clients import redis_errors

if TYPE_CHECKING:
    from redis import Redis
    from redis.asyncio import Redis as AsyncRedis
    from redis.cluster import RedisCluster
    from sockgate_gateway.redis_servers import scripts

Client: TypeAlias = "Redis | RedisCluster"


def run(client: Any, command: tuple[Any, ...]) -> Any:
    """Run a command with any kind of client; the result of an asyncio client is awaitable."""
    return client.execute_command(*command)


def send(client: Client, names: Names, request: PublishRequest) -> int:
    """Send a publication; a touch uncounted where the account may only publish.

    Returns:
        The number of workers that received it; 0 when its idempotency key was published before.

    Raises:
        redis.RedisError: Redis rejected it, or it is unknown whether Redis has it.
    """
    from sockgate_gateway.redis_servers import scripts

    try:
        return _receivers(scripts.run(client, _command(names, request)))
    except redis_errors.NoPermissionError:
        if not request.is_touch:
            raise
        return _receivers(run(client, request.without_mark(names)))


async def asend(client: "AsyncRedis", names: Names, request: PublishRequest) -> int:
    """Send a publication, as ``send`` does."""
    from sockgate_gateway.redis_servers import scripts

    try:
        return _receivers(await scripts.run_async(client, _command(names, request)))
    except redis_errors.NoPermissionError:
        if not request.is_touch:
            raise
        return _receivers(await run(client, request.without_mark(names)))


def send_many(client: Client, names: Names, batch: list[PublishRequest]) -> int:
    """Send many in one round trip, on a cluster one after the other; the rest is as in ``send``."""
    from redis.cluster import RedisCluster
    from sockgate_gateway.redis_servers import scripts

    if isinstance(client, RedisCluster):
        return sum(send(client, names, request) for request in batch)
    return _counted(scripts.run_each(client, [_command(names, request) for request in batch]))


async def asend_many(client: "AsyncRedis", names: Names, batch: list[PublishRequest]) -> int:
    """Send many in one round trip, as ``send`` does."""
    from sockgate_gateway.redis_servers import scripts

    commands = [_command(names, request) for request in batch]
    return _counted(await scripts.run_each_async(client, commands))


def _command(names: Names, request: PublishRequest) -> "scripts.Command":
    return lambda with_text: request.command(names, with_text=with_text)


def _counted(replies: Iterable[Any]) -> int:
    return sum(map(_receivers, replies))


def _receivers(reply: Any) -> int:
    if isinstance(reply, Exception):
        raise reply
    return int(reply[3] if isinstance(reply, list) else reply)
