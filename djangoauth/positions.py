"""Where a channel stands: what a page is rendered with, to hear from there on.

``rt.subscribe("room:7", {recover: position})`` in the page that was rendered with
``position("room:7")`` misses nothing in between.
"""

from secrets import token_hex
from typing import Any

from redis.asyncio import Redis as AsyncRedis

from gateway.wire.names import Names, check_channel
from gateway.wire.namespaces import POSITION_TTL_S
from gateway.wire.outgoing import EPOCH_BYTES
from gateway.wire.scripts import HISTORY

from .outgoing import Client, run

Position = tuple[str, int]
"""Epoch, and offset of the last sequenced publication."""


def read_position(client: Client, names: Names, channel: str) -> Position | None:
    """Tell where a channel stands; one without a history begins it.

    Returns:
        None when Redis is full, or a replica, so that none can begin.

    Raises:
        gateway.wire.errors.ChannelNameError: it is no channel name.
        redis.RedisError: Redis cannot be asked.
    """
    return _position(run(client, _command(names, check_channel(channel))))


async def aread_position(client: AsyncRedis, names: Names, channel: str) -> Position | None:
    """Tell where a channel stands, as ``read_position`` does."""
    return _position(await run(client, _command(names, check_channel(channel))))


def _command(names: Names, channel: str) -> tuple[Any, ...]:
    keys = names.history(channel), names.offset(channel)
    # Nobody has seen any; no publications, but an epoch if it must begin, that lives so long.
    asked = "", 0, 0, 0, 0, token_hex(EPOCH_BYTES), POSITION_TTL_S * 1000
    return ("EVAL", HISTORY, len(keys), *keys, *asked)


def _position(reply: Any) -> Position | None:
    epoch = reply[0].decode()
    return (epoch, int(reply[1])) if epoch else None
