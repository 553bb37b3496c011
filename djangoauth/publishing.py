"""Publishing to browsers: ``{"event": …, "data": …}`` on a channel in Redis.

Inside a transaction a publication waits for the commit, so that no browser hears of what never
was; it is then at most once, and one that Redis does not take is logged by Django. Outside, or
with ``on_commit=False``, it goes at once and raises what Redis raises. Async code has no
transactions in Django: the async twins publish at once.
"""

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from gateway.wire.names import BROADCAST, check_channel, user_channel

from . import conf, redis_clients
from .errors import PublicationInvalid, PublicationTooLarge
from .users import uid_of


def publish(
    user: Any, event: str, data: Any = None, *, on_commit: bool | None = None
) -> int | None:
    """Publish to every browser in which a user is logged in.

    Args:
        user: a user, or a pk.
        event: what the browser listens to: ``rt.on(event, …)``.
        data: anything that ``DjangoJSONEncoder`` takes.
        on_commit: wait for the commit; None is ``SOCKGATE["PUBLISH_ON_COMMIT"]``.

    Returns:
        How many workers received it, or None when it waits for the commit.

    Raises:
        PublicationInvalid: the data has no JSON form, or the user is anonymous.
        PublicationTooLarge: it is over ``SOCKGATE["MAX_PAYLOAD"]``.
        redis.RedisError: Redis did not take it.
    """
    return publish_to(user_channel(uid_of(user)), event, data, on_commit=on_commit)


def publish_to(
    channel: str, event: str, data: Any = None, *, on_commit: bool | None = None
) -> int | None:
    """Publish to a channel, say ``group:editors``; the rest is as in ``publish``.

    Raises:
        gateway.wire.errors.ChannelNameError: it is no channel name.
    """
    send = partial(_send, _channel(channel), encode(event, data))
    return _now_or_on_commit(send, on_commit)


def publish_many(
    users: Iterable[Any], event: str, data: Any = None, *, on_commit: bool | None = None
) -> int | None:
    """Publish to many users in one round trip; the rest is as in ``publish``.

    Returns:
        How many times a worker received it, or None when it waits for the commit.
    """
    send = partial(_send_many, _user_channels(users), encode(event, data))
    return _now_or_on_commit(send, on_commit)


def broadcast(event: str, data: Any = None, *, on_commit: bool | None = None) -> int | None:
    """Publish to every connection; the rest is as in ``publish``."""
    return publish_to(BROADCAST, event, data, on_commit=on_commit)


async def apublish(user: Any, event: str, data: Any = None) -> int:
    """Publish to a user at once, as ``publish`` does without a transaction."""
    return await apublish_to(user_channel(uid_of(user)), event, data)


async def apublish_to(channel: str, event: str, data: Any = None) -> int:
    """Publish to a channel at once, as ``publish_to`` does without a transaction."""
    client = await redis_clients.async_publisher()
    return int(await client.publish(_channel(channel), encode(event, data)))


async def apublish_many(users: Iterable[Any], event: str, data: Any = None) -> int:
    """Publish to many users at once, as ``publish_many`` does without a transaction."""
    payload, channels = encode(event, data), _user_channels(users)
    client = await redis_clients.async_publisher()
    async with client.pipeline(transaction=False) as pipe:
        for channel in channels:
            pipe.publish(channel, payload)
        return sum(await pipe.execute())


async def abroadcast(event: str, data: Any = None) -> int:
    """Publish to every connection at once."""
    return await apublish_to(BROADCAST, event, data)


def encode(event: str, data: Any) -> bytes:
    """Encode a publication as UTF-8 JSON.

    Raises:
        PublicationInvalid: it has no JSON form: an unknown type, NaN, a lone surrogate, a circle.
        PublicationTooLarge: it is over ``SOCKGATE["MAX_PAYLOAD"]`` bytes.
    """
    if not isinstance(event, str) or not event:
        raise PublicationInvalid("an event is a text that is not empty")
    payload = _to_json({"event": event, "data": data})
    limit_bytes = conf.current().max_payload
    if len(payload) > limit_bytes:
        raise PublicationTooLarge(f"{len(payload)} bytes are over the limit of {limit_bytes}")
    return payload


def _to_json(value: Any) -> bytes:
    try:
        text = json.dumps(
            value,
            cls=DjangoJSONEncoder,
            allow_nan=False,
            ensure_ascii=False,
            separators=(",", ":"),
        )
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        # An encoding error carries the whole text, and payloads do not belong in logs.
        cause = "a lone surrogate" if isinstance(error, UnicodeError) else str(error)
        raise PublicationInvalid(f"the data has no JSON form: {cause}") from None


def _channel(channel: str) -> str:
    return conf.current().names.channel(check_channel(channel))


def _user_channels(users: Iterable[Any]) -> list[str]:
    return [_channel(user_channel(uid_of(user))) for user in users]


def _send(channel: str, payload: bytes) -> int:
    return int(redis_clients.publisher().publish(channel, payload))


def _send_many(channels: list[str], payload: bytes) -> int:
    with redis_clients.publisher().pipeline(transaction=False) as pipe:
        for channel in channels:
            pipe.publish(channel, payload)
        return sum(pipe.execute())


def _now_or_on_commit(send: Callable[[], int], on_commit: bool | None) -> int | None:
    waits = conf.current().publish_on_commit if on_commit is None else on_commit
    if not waits or not transaction.get_connection().in_atomic_block:
        return send()

    def publish_after_commit() -> None:  # Django logs its name when it fails; a partial has none.
        send()

    # Robust: a publication that fails must not keep the other callbacks of the commit from running.
    transaction.on_commit(publish_after_commit, robust=True)
    return None
