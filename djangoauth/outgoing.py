"""Sending publications, one or many, on any kind of client."""

from collections.abc import Iterable, Iterator
from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.cluster import RedisCluster
from redis.exceptions import NoScriptError

from gateway.wire.names import Names
from gateway.wire.outgoing import Outgoing

Client = Redis | RedisCluster


def run(client: Any, command: tuple[Any, ...]) -> Any:
    """Run a command on any kind of client; what an asyncio client gives is awaited."""
    return client.execute_command(*command)


def send(client: Client, names: Names, outgoing: Outgoing) -> int:
    """Send one.

    Returns:
        How many workers received it; 0 when it had been published before.

    Raises:
        redis.RedisError: Redis did not take it, or it is not known whether it did.
    """
    try:
        return _receivers(run(client, outgoing.command(names)))
    except NoScriptError:
        return _receivers(run(client, outgoing.command(names, with_text=True)))


async def asend(client: AsyncRedis, names: Names, outgoing: Outgoing) -> int:
    """Send one, as ``send`` does."""
    try:
        return _receivers(await run(client, outgoing.command(names)))
    except NoScriptError:
        return _receivers(await run(client, outgoing.command(names, with_text=True)))


def send_many(client: Client, names: Names, batch: list[Outgoing]) -> int:
    """Send many in one round trip, on a cluster one by one; the rest is as in ``send``."""
    if isinstance(client, RedisCluster):
        return sum(send(client, names, outgoing) for outgoing in batch)
    with client.pipeline(transaction=False) as pipe:
        _queue(pipe, names, batch)
        replies = pipe.execute(raise_on_error=False)
    again = _unknown(batch, replies)
    return _counted(replies) + sum(send(client, names, outgoing) for outgoing in again)


async def asend_many(client: AsyncRedis, names: Names, batch: list[Outgoing]) -> int:
    """Send many in one round trip, as ``send`` does."""
    async with client.pipeline(transaction=False) as pipe:
        _queue(pipe, names, batch)
        replies = await pipe.execute(raise_on_error=False)
    count = _counted(replies)
    for outgoing in _unknown(batch, replies):
        count += await asend(client, names, outgoing)
    return count


def _queue(pipe: Any, names: Names, batch: Iterable[Outgoing]) -> None:
    for outgoing in batch:
        pipe.execute_command(*outgoing.command(names))


def _receivers(reply: Any) -> int:
    return int(reply[3] if isinstance(reply, list) else reply)


def _counted(replies: list[Any]) -> int:
    for reply in replies:
        if isinstance(reply, Exception) and not isinstance(reply, NoScriptError):
            raise reply
    return sum(_receivers(reply) for reply in replies if not isinstance(reply, Exception))


def _unknown(batch: list[Outgoing], replies: list[Any]) -> Iterator[Outgoing]:
    pairs = zip(batch, replies, strict=True)
    return (outgoing for outgoing, reply in pairs if isinstance(reply, NoScriptError))
