"""Who is where, as the workers keep it in Redis; see ``gateway.wire.presence``.

A worker that was killed is passed over within ``gateway.wire.presence.WORKER_TTL_S`` seconds.
Channels are counted whose namespace has ``presence``, and ``broadcast``, which everybody hears.
"""

from collections.abc import Iterable
from typing import Any

from gateway.wire.names import BROADCAST, check_channel
from gateway.wire.presence import Present, merge

from . import conf, redis_clients
from .users import uid_of


def presence(channel: str) -> Present:
    """Tell who is on a channel, in connections of users (by pk as text) and of anonymous visitors.

    Raises:
        gateway.wire.errors.ChannelNameError: it is no channel name.
        redis.RedisError: Redis cannot be asked.
    """
    client, check = redis_clients.records(), check_channel(channel)
    with client.pipeline(transaction=False) as pipe:
        _queue(pipe, check, client.smembers(conf.current().names.workers))
        return _merged(pipe.execute())


def online_users() -> set[str]:
    """Name the users who have a page open, by pk as text: ``filter(pk__in=online_users())``."""
    return set(presence(BROADCAST).users)


def is_online(user: Any) -> bool:
    """Tell whether a user, or a pk, has a page open."""
    client = redis_clients.records()
    with client.pipeline(transaction=False) as pipe:
        _queue_one(pipe, uid_of(user), client.smembers(conf.current().names.workers))
        return _is_any(pipe.execute())


async def apresence(channel: str) -> Present:
    """Tell who is on a channel, as ``presence`` does."""
    client, check = await redis_clients.async_records(), check_channel(channel)
    workers = await client.smembers(conf.current().names.workers)
    async with client.pipeline(transaction=False) as pipe:
        _queue(pipe, check, workers)
        return _merged(await pipe.execute())


async def aonline_users() -> set[str]:
    """Name the users who have a page open, as ``online_users`` does."""
    return set((await apresence(BROADCAST)).users)


async def ais_online(user: Any) -> bool:
    """Tell whether a user has a page open, as ``is_online`` does."""
    client = await redis_clients.async_records()
    workers = await client.smembers(conf.current().names.workers)
    async with client.pipeline(transaction=False) as pipe:
        _queue_one(pipe, uid_of(user), workers)
        return _is_any(await pipe.execute())


# Each worker is asked in two commands: whether it lives, and what it keeps.


def _queue(pipe: Any, channel: str, workers: Iterable[Any]) -> None:
    names = conf.current().names
    for worker in map(bytes.decode, workers):
        pipe.exists(names.worker(worker))
        pipe.hgetall(names.presence(channel, worker))


def _queue_one(pipe: Any, uid: str, workers: Iterable[Any]) -> None:
    names = conf.current().names
    for worker in map(bytes.decode, workers):
        pipe.exists(names.worker(worker))
        pipe.hexists(names.presence(BROADCAST, worker), uid)


def _of_the_living(replies: list[Any]) -> list[Any]:
    return [kept for lives, kept in zip(replies[::2], replies[1::2], strict=True) if lives]


def _merged(replies: list[Any]) -> Present:
    return merge(_of_the_living(replies))


def _is_any(replies: list[Any]) -> bool:
    return any(_of_the_living(replies))
