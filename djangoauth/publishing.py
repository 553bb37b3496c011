"""Publishing to browsers: ``{"event": …, "data": …}`` on a channel in Redis.

Inside a transaction a publication waits for the commit, so that no browser hears of what never
was; one that Redis does not take then is logged by Django. Outside, or with ``on_commit=False``,
it goes at once and raises what Redis raises. Async code has no transactions in Django: the async
twins publish at once.

A plain publication arrives at most once. A sequenced one is kept for a while, and arrives in
order, also in browsers that were away; see ``composer.How``.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Unpack

from django.db import transaction

from gateway.wire.names import BROADCAST, user_channel
from gateway.wire.outgoing import Outgoing

from . import conf, encoding, outgoing, positions, redis_clients
from .composer import Composer, How
from .positions import Position
from .users import uid_of


def publish(
    user: Any, event: str, data: Any = None, *, on_commit: bool | None = None, **how: Unpack[How]
) -> int | None:
    """Publish to every browser in which a user is logged in.

    Args:
        user: a user, or a pk.
        event: what the browser listens to: ``rt.on(event, …)``.
        data: anything that ``DjangoJSONEncoder`` takes.
        on_commit: wait for the commit; None is ``SOCKGATE["PUBLISH_ON_COMMIT"]``.
        how: ``sequenced``, ``idempotency_key``; see ``composer.How``.

    Returns:
        How many workers received it, 0 when it had been published before, or None when it waits
        for the commit.

    Raises:
        PublicationInvalid: the data has no JSON form, or the user is anonymous.
        PublicationTooLarge: it is over ``SOCKGATE["MAX_PAYLOAD"]``.
        redis.RedisError: Redis did not take it.
    """
    return publish_to(user_channel(uid_of(user)), event, data, on_commit=on_commit, **how)


def publish_to(
    channel: str, event: str, data: Any = None, *, on_commit: bool | None = None, **how: Unpack[How]
) -> int | None:
    """Publish to a channel, say ``group:editors``; the rest is as in ``publish``.

    Raises:
        gateway.wire.errors.ChannelNameError: it is no channel name.
    """
    one = _composer().compose(channel, event, data, how)
    return _now_or_on_commit(partial(_send, one), on_commit)


def publish_many(
    users: Iterable[Any],
    event: str,
    data: Any = None,
    *,
    on_commit: bool | None = None,
    **how: Unpack[How],
) -> int | None:
    """Publish to many users in one round trip; the rest is as in ``publish``.

    Returns:
        How many times a worker received it, or None when it waits for the commit.
    """
    batch = _composer().compose_each(_user_channels(users), event, data, how)
    return _now_or_on_commit(partial(_send_many, batch), on_commit)


def broadcast(
    event: str, data: Any = None, *, on_commit: bool | None = None, **how: Unpack[How]
) -> int | None:
    """Publish to every connection; the rest is as in ``publish``."""
    return publish_to(BROADCAST, event, data, on_commit=on_commit, **how)


async def apublish(user: Any, event: str, data: Any = None, **how: Unpack[How]) -> int:
    """Publish to a user at once, as ``publish`` does without a transaction."""
    return await apublish_to(user_channel(uid_of(user)), event, data, **how)


async def apublish_to(channel: str, event: str, data: Any = None, **how: Unpack[How]) -> int:
    """Publish to a channel at once, as ``publish_to`` does without a transaction."""
    one = _composer().compose(channel, event, data, how)
    return await outgoing.asend(await _async_client_for([one]), conf.current().names, one)


async def apublish_many(
    users: Iterable[Any], event: str, data: Any = None, **how: Unpack[How]
) -> int:
    """Publish to many users at once, as ``publish_many`` does without a transaction."""
    batch = _composer().compose_each(_user_channels(users), event, data, how)
    return await outgoing.asend_many(await _async_client_for(batch), conf.current().names, batch)


async def abroadcast(event: str, data: Any = None, **how: Unpack[How]) -> int:
    """Publish to every connection at once."""
    return await apublish_to(BROADCAST, event, data, **how)


def position(channel: str) -> Position | None:
    """Tell where a channel stands, for a page that is rendered now; see ``positions``."""
    return positions.read_position(redis_clients.records(), conf.current().names, channel)


async def aposition(channel: str) -> Position | None:
    """Tell where a channel stands, as ``position`` does."""
    client = await redis_clients.async_records()
    return await positions.aread_position(client, conf.current().names, channel)


def encode(event: str, data: Any) -> bytes:
    """Encode a publication as UTF-8 JSON; raises as ``publish`` does."""
    return encoding.encode(event, data, conf.current().max_payload)


def _composer() -> Composer:
    config = conf.current()
    return Composer(lambda: config.namespaces, config.max_payload)


def _user_channels(users: Iterable[Any]) -> list[str]:
    return [user_channel(uid_of(user)) for user in users]


def _send(one: Outgoing) -> int:
    return outgoing.send(_client_for([one]), conf.current().names, one)


def _send_many(batch: list[Outgoing]) -> int:
    return outgoing.send_many(_client_for(batch), conf.current().names, batch)


# What bears a name of its own may be sent twice.


def _client_for(batch: list[Outgoing]) -> outgoing.Client:
    may_repeat = all(one.idempotency_key for one in batch)
    return redis_clients.records() if may_repeat else redis_clients.publisher()


async def _async_client_for(batch: list[Outgoing]) -> Any:
    may_repeat = all(one.idempotency_key for one in batch)
    return await (redis_clients.async_records() if may_repeat else redis_clients.async_publisher())


def _now_or_on_commit(send: Callable[[], int], on_commit: bool | None) -> int | None:
    waits = conf.current().publish_on_commit if on_commit is None else on_commit
    if not waits or not transaction.get_connection().in_atomic_block:
        return send()

    def publish_after_commit() -> None:  # Django logs its name when it fails; a partial has none.
        send()

    # Robust: a publication that fails must not keep the other callbacks of the commit from running.
    transaction.on_commit(publish_after_commit, robust=True)
    return None
