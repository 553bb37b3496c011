"""The async twins of the publishing calls, whose docstrings say what the arguments mean.

Editors and type checkers read the signatures here, so they are repeated; a test keeps them equal.

They look for open transactions in the thread in which Django runs sync code. With
``on_commit=False`` they skip that thread switch.
"""

from collections.abc import Iterable
from typing import Any, Unpack

from django.contrib.auth.models import Group
from sockgate_gateway.wire.contract import Position
from sockgate_gateway.wire.names import BROADCAST, user_channel

from .. import conf
from ..redis_clients import pools, redis_errors
from ..tenants import current_tenant
from ..users.recipients import UserOrPk, channel_of_group, uid_of
from . import positions, sending
from .builder import PublishOptions
from .dispatch import (
    async_client_for,
    awaits_commit,
    new_builder,
    try_later,
    user_channels,
)
from .transactions import once_after_commit


async def apublish(
    user: UserOrPk,
    event: str,
    data: Any = None,
    *,
    on_commit: bool | None = None,
    using: str | None = None,
    **how: Unpack[PublishOptions],
) -> int | None:
    """Publish to a user, as ``publish`` does."""
    channel = user_channel(uid_of(user))
    return await apublish_to(channel, event, data, on_commit=on_commit, using=using, **how)


async def apublish_to(
    channel: str,
    event: str,
    data: Any = None,
    *,
    on_commit: bool | None = None,
    using: str | None = None,
    **how: Unpack[PublishOptions],
) -> int | None:
    """Publish to a channel, as ``publish_to`` does."""
    one = new_builder().build(channel, event, data, how)
    if await awaits_commit([one], on_commit, using):
        return None
    return await sending.asend(await async_client_for([one]), conf.current().names, one)


async def apublish_to_group(
    group: Group | str,
    event: str,
    data: Any = None,
    *,
    on_commit: bool | None = None,
    using: str | None = None,
    **how: Unpack[PublishOptions],
) -> int | None:
    """Publish to the members of a Django group, as ``publish_to_group`` does."""
    channel = channel_of_group(group)
    return await apublish_to(channel, event, data, on_commit=on_commit, using=using, **how)


async def apublish_many(
    users: Iterable[UserOrPk],
    event: str,
    data: Any = None,
    *,
    on_commit: bool | None = None,
    using: str | None = None,
    **how: Unpack[PublishOptions],
) -> int | None:
    """Publish to many users, as ``publish_many`` does; evaluate a queryset before."""
    batch = new_builder().build_each(user_channels(users), event, data, how)
    if await awaits_commit(batch, on_commit, using):
        return None
    return await sending.asend_many(await async_client_for(batch), conf.current().names, batch)


async def abroadcast(
    event: str,
    data: Any = None,
    *,
    on_commit: bool | None = None,
    using: str | None = None,
    **how: Unpack[PublishOptions],
) -> int | None:
    """Publish to every connection, as ``broadcast`` does."""
    return await apublish_to(BROADCAST, event, data, on_commit=on_commit, using=using, **how)


async def atouch(
    channel: str,
    *,
    on_commit: bool | None = None,
    using: str | None = None,
    tenant: str | None = None,
) -> int | None:
    """Publish the event ``touch`` to a channel, as ``touch`` does."""
    one = new_builder().build_touch(channel, tenant)
    later = once_after_commit(one)
    if await awaits_commit([one], on_commit, using, later):
        return None
    try:
        return await sending.asend(await async_client_for([one]), conf.current().names, one)
    except redis_errors.RedisError as error:
        try_later([one], error)
        return None


async def aposition(channel: str) -> Position | None:
    """Return the position of a channel, as ``position`` does."""
    client = await pools.async_records()
    return await positions.aread_position(client, conf.current().names, channel, current_tenant())
