"""Presence: the subscribers of channels, as the workers write them to Redis.

The tables are described in ``sockgate_gateway.wire.presence``. A worker that was killed is ignored
within ``WORKER_TTL_S`` seconds. Presence covers channels whose namespace has ``presence``, and
``broadcast``, to which every connection is subscribed.
"""

from collections.abc import Iterable
from typing import Any

from sockgate_gateway.wire.names import BROADCAST, check_channel
from sockgate_gateway.wire.presence import Present, merge

from .. import conf
from ..redis_clients import pools
from ..tenants import bare, qualify
from ..users.recipients import UserOrPk, wire_uid


def presence(channel: str) -> Present:
    """Count the connections on a channel, by user (pk as text) and for anonymous visitors.

    Raises:
        ChannelNameError: the text is not a channel name.
        redis.RedisError: Redis fails or does not answer.
    """
    client, qualified = pools.records(), qualify(check_channel(channel))
    with client.pipeline(transaction=False) as pipe:
        _queue(pipe, qualified, client.smembers(conf.current().names.workers))
        return _merged(pipe.execute())


def online_users() -> set[str]:
    """List the pks, as text, of users with an open page: ``filter(pk__in=online_users())``."""
    return set(presence(BROADCAST).users)


def is_online(user: UserOrPk) -> bool:
    """Check that a user, or a pk, has an open page."""
    client = pools.records()
    with client.pipeline(transaction=False) as pipe:
        _queue_one(pipe, wire_uid(user), client.smembers(conf.current().names.workers))
        return _is_any(pipe.execute())


async def apresence(channel: str) -> Present:
    """Count the connections on a channel, as ``presence`` does."""
    client, qualified = await pools.async_records(), qualify(check_channel(channel))
    workers = await client.smembers(conf.current().names.workers)
    async with client.pipeline(transaction=False) as pipe:
        _queue(pipe, qualified, workers)
        return _merged(await pipe.execute())


async def aonline_users() -> set[str]:
    """List the users with an open page, as ``online_users`` does."""
    return set((await apresence(BROADCAST)).users)


async def ais_online(user: UserOrPk) -> bool:
    """Check that a user has an open page, as ``is_online`` does."""
    client = await pools.async_records()
    workers = await client.smembers(conf.current().names.workers)
    async with client.pipeline(transaction=False) as pipe:
        _queue_one(pipe, wire_uid(user), workers)
        return _is_any(await pipe.execute())


# Two commands for each worker: is it alive, and its presence table.


def _queue(pipe: Any, channel: str, workers: Iterable[Any]) -> None:
    names = conf.current().names
    for worker in map(bytes.decode, workers):
        pipe.exists(names.worker(worker))
        pipe.hgetall(names.presence(channel, worker))


def _queue_one(pipe: Any, uid: str, workers: Iterable[Any]) -> None:
    names = conf.current().names
    for worker in map(bytes.decode, workers):
        pipe.exists(names.worker(worker))
        pipe.hexists(names.presence(qualify(BROADCAST), worker), uid)


def _of_live_workers(replies: list[Any]) -> list[Any]:
    return [table for lives, table in zip(replies[::2], replies[1::2], strict=True) if lives]


def _merged(replies: list[Any]) -> Present:
    found = merge(_of_live_workers(replies))
    return Present({bare(uid): count for uid, count in found.users.items()}, found.anonymous)


def _is_any(replies: list[Any]) -> bool:
    return any(_of_live_workers(replies))
