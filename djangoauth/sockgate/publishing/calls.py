"""Publishing to browsers: ``{"event": …, "data": …}`` on a channel in Redis.

Inside ``atomic()`` a publication waits for the commit, so that a rollback publishes nothing. With
transactions open on several databases, it waits for the last commit, and is dropped when one of
them rolls back. ``using`` names one database to wait for. When Redis fails after the commit, it is
tried again in the background (``outbox.py``). Outside of a transaction, or with
``on_commit=False``, the publication is sent at once, and the call raises the error of Redis; a
touch is tried again in the background. With autocommit switched off by hand, Django reports no
commit, so that the publication is sent at once too.

A plain publication arrives at most once. A sequenced publication is kept for a while, and arrives
in order, also in browsers that reconnect; see ``builder.PublishOptions``. The async twins are in
``async_calls.py``.
"""

from collections.abc import Iterable
from typing import Any, Unpack

from django.contrib.auth.models import Group
from sockgate_gateway.wire.contract import Position
from sockgate_gateway.wire.events import is_markup
from sockgate_gateway.wire.names import BROADCAST, check_channel, user_channel

from .. import conf
from ..errors import EventNameError
from ..redis_clients import pools
from ..tenants import current_tenant, qualify
from ..users.recipients import UserOrPk, channel_of_group, uid_of
from . import encoding, positions
from .builder import PublishOptions
from .dispatch import (
    aliases_to_await,
    new_builder,
    now_or_on_commit,
    user_channels,
)
from .transactions import once_after_commit


def publish(
    user: UserOrPk,
    event: str,
    data: Any = None,
    *,
    on_commit: bool | None = None,
    using: str | None = None,
    **how: Unpack[PublishOptions],
) -> int | None:
    """Publish to every browser in which a user is logged in.

    Args:
        user: a saved user, or a primary key. For several users call ``publish_many``.
        event: the name for ``rt.on(event, …)``; not one that the client emits, such as ``error``.
        data: any value that ``DjangoJSONEncoder`` takes: dicts, lists, texts, numbers and so on.
        on_commit: wait for the commit; None: as ``SOCKGATE["PUBLISH_ON_COMMIT"]`` says.
        using: wait only for the transaction on this database; None: for all that are open.
        how: ``sequenced``, ``idempotency_key``, ``exclude``, ``coalesce``; see
            ``builder.PublishOptions``.

    Returns:
        The number of workers that received it; 0 when the ``idempotency_key`` was published before;
        None when the publication waits for the commit.

    Raises:
        TypeError: for an unknown keyword, or ``using`` with ``on_commit=False``.
        EventNameError: the event is empty or reserved; a ``PublicationInvalid``.
        PublicationInvalid: the data has no JSON form, or ``user`` is not a saved user or a pk.
        PublicationTooLarge: the payload is over ``SOCKGATE["MAX_PAYLOAD"]``.
        redis.RedisError: Redis fails or does not answer.
    """
    channel = user_channel(uid_of(user))
    return publish_to(channel, event, data, on_commit=on_commit, using=using, **how)


def publish_to(
    channel: str,
    event: str,
    data: Any = None,
    *,
    on_commit: bool | None = None,
    using: str | None = None,
    **how: Unpack[PublishOptions],
) -> int | None:
    """Publish to a channel, for example ``room:7``; the rest is as in ``publish``.

    Raises:
        ChannelNameError: the text is not a channel name.
    """
    one = new_builder().build(channel, event, data, how)
    return now_or_on_commit([one], aliases_to_await(on_commit, using))


def publish_to_group(
    group: Group | str,
    event: str,
    data: Any = None,
    *,
    on_commit: bool | None = None,
    using: str | None = None,
    **how: Unpack[PublishOptions],
) -> int | None:
    """Publish to the members of a Django group; the rest is as in ``publish``.

    A group may have any name: characters that a channel name cannot have are percent-encoded.

    Raises:
        ChannelNameError: the encoded name is too long for a channel.
        PublicationInvalid: ``SOCKGATE["GROUPS"]`` is False, so that no browser would receive it.
    """
    channel = channel_of_group(group)
    return publish_to(channel, event, data, on_commit=on_commit, using=using, **how)


def publish_many(
    users: Iterable[UserOrPk],
    event: str,
    data: Any = None,
    *,
    on_commit: bool | None = None,
    using: str | None = None,
    **how: Unpack[PublishOptions],
) -> int | None:
    """Publish to many users in one round trip; the rest is as in ``publish``.

    ``users`` is a queryset of users, or an iterable of users or primary keys.

    Returns:
        The number of publications that workers received, summed over the workers; None when they
        wait for the commit.
    """
    batch = new_builder().build_each(user_channels(users), event, data, how)
    return now_or_on_commit(batch, aliases_to_await(on_commit, using))


def broadcast(
    event: str,
    data: Any = None,
    *,
    on_commit: bool | None = None,
    using: str | None = None,
    **how: Unpack[PublishOptions],
) -> int | None:
    """Publish to every connection; the rest is as in ``publish``."""
    return publish_to(BROADCAST, event, data, on_commit=on_commit, using=using, **how)


def touch(
    channel: str,
    *,
    on_commit: bool | None = None,
    using: str | None = None,
    tenant: str | None = None,
) -> int | None:
    """Publish the event ``touch`` to a channel: something changed here.

    It carries no data. Inside a transaction it waits for the commit, and is sent once however
    often a channel is touched. It is a plain publication in every namespace.

    Args:
        channel: its name, for example ``orders``.
        on_commit: wait for the commit; None: as ``SOCKGATE["PUBLISH_ON_COMMIT"]`` says.
        using: wait only for the transaction on this database; None: for all that are open.
        tenant: the tenant to publish to; None: the current tenant.

    Returns:
        The number of workers that received it; None when it waits for the commit, or for Redis.

    Raises:
        TypeError: ``using`` with ``on_commit=False``.
        ChannelNameError: the text is not a channel name.
        ImproperlyConfigured: ``tenant`` is given, and ``SOCKGATE["TENANT"]`` is not set.
        redis.RedisError: Redis refuses it.
    """
    one = new_builder().build_touch(channel, tenant)
    aliases = aliases_to_await(on_commit, using)
    return now_or_on_commit([one], aliases, once_after_commit(one))


def position(channel: str) -> Position | None:
    """Return the position of a channel, for a page that is rendered now; see ``positions``."""
    client, tenant = pools.records(), current_tenant()
    return positions.read_position(client, conf.current().names, channel, tenant)


def channel_name(channel: str) -> str:
    """Return the Redis channel of a channel, for a plain ``PUBLISH``.

    It is ``rt:room:7`` for ``room:7``, and ``rt/acme:room:7`` in the tenant ``acme``.

    Raises:
        ChannelNameError: the text is not a channel name.
    """
    return conf.current().names.channel(qualify(check_channel(channel)))


def encode(event: str, data: Any) -> bytes:
    """Encode a publication as UTF-8 JSON, for a plain ``PUBLISH``; raises as ``publish`` does.

    Raises:
        EventNameError: also for an event with markup, which is signed together with its channel.
    """
    if isinstance(event, str) and is_markup(event):
        raise EventNameError(
            f"pages insert the data of {event!r} as markup, so it is signed together with its "
            "channel: call publish_to or publish_html"
        )
    return encoding.encode(event, data, conf.current().max_payload)
