"""The position of a channel: epoch, and offset of the last sequenced publication.

A page that is rendered with ``position("room:7")`` subscribes by
``rt.subscribe("room:7", {recover: position})``, and misses no publication in between.
"""

from secrets import token_hex
from typing import TYPE_CHECKING, Any

from sockgate_gateway.wire.contract import Position
from sockgate_gateway.wire.names import Names, check_channel
from sockgate_gateway.wire.namespaces import POSITION_TTL_S
from sockgate_gateway.wire.publish_request import EPOCH_BYTES
from sockgate_gateway.wire.scripts import HISTORY
from sockgate_gateway.wire.tenants import in_tenant

from .sending import Client, run

if TYPE_CHECKING:
    from redis.asyncio import Redis as AsyncRedis


def read_position(client: Client, names: Names, channel: str, tenant: str = "") -> Position | None:
    """Read the position of a channel; a channel without a history gets a new epoch.

    Returns:
        The position; None when an epoch cannot be written, because Redis is full or a replica.

    Raises:
        ChannelNameError: the text is not a channel name.
        redis.RedisError: Redis fails or does not answer.
    """
    return _position(run(client, _command(names, check_channel(channel), tenant)))


async def aread_position(
    client: "AsyncRedis", names: Names, channel: str, tenant: str = ""
) -> Position | None:
    """Read the position of a channel, as ``read_position`` does."""
    return _position(await run(client, _command(names, check_channel(channel), tenant)))


def _command(names: Names, channel: str, tenant: str) -> tuple[Any, ...]:
    qualified = in_tenant(tenant, channel)
    keys = names.history(qualified), names.offset(qualified)
    # No known position, and no publications wanted; a new epoch with its TTL in milliseconds.
    arguments = "", 0, 0, 0, 0, token_hex(EPOCH_BYTES), POSITION_TTL_S * 1000
    return ("EVAL", HISTORY, len(keys), *keys, *arguments)


def _position(reply: Any) -> Position | None:
    epoch = reply[0].decode()
    return (epoch, int(reply[1])) if epoch else None
