"""Publications on their way, and the Redis commands that send them.

A plain one is a ``PUBLISH``. A sequenced one is the script ``gateway/wire/lua/publish.lua``,
called by its SHA-1; Redis is given its text when it does not know it.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.cluster import RedisCluster
from redis.exceptions import NoScriptError

from gateway.wire.names import Names
from gateway.wire.namespaces import POSITION_TTL_S, Policy
from gateway.wire.scripts import PUBLISH

Client = Redis | RedisCluster

EPOCH_BYTES = 8
IDEMPOTENCY_TTL_S = 3600

_PUBLISH_SHA1 = hashlib.sha1(PUBLISH.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One publication on its way.

    Args:
        channel: a channel name.
        payload: UTF-8 JSON.
        policy: how it is kept; None: not at all, it is a plain ``PUBLISH``.
        idempotency_key: the publisher's own name for it.
    """

    channel: str
    payload: bytes
    policy: Policy | None = None
    idempotency_key: str | None = None

    def command(self, names: Names, *, with_text: bool = False) -> tuple[Any, ...]:
        """Give the Redis command, with the script's text for a Redis that does not know it."""
        channel = names.channel(self.channel)
        if self.policy is None:
            return ("PUBLISH", channel, self.payload)
        script = ("EVAL", PUBLISH) if with_text else ("EVALSHA", _PUBLISH_SHA1)
        keys, kept = self._keys(names), self._kept(self.policy)
        return (*script, len(keys), *keys, channel, self.payload, token_hex(EPOCH_BYTES), *kept)

    def _keys(self, names: Names) -> tuple[str, str, str]:
        position, key = names.offset(self.channel), self.idempotency_key
        name = position if key is None else names.published(self.channel, key)
        return names.history(self.channel), position, name

    def _kept(self, policy: Policy) -> tuple[Any, ...]:
        remembered_s = 0 if self.idempotency_key is None else IDEMPOTENCY_TTL_S
        age_ms = int(policy.age * 1000)
        return policy.history, age_ms, remembered_s * 1000, "PUBLISH", POSITION_TTL_S * 1000


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
