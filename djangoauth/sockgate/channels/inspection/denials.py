"""What ``SOCKGATE["AUTHORIZE"]`` has denied to a user: the last requests for a grant, in Redis."""

import logging
from time import time
from typing import Any

from ... import conf
from ...redis_clients import pools, redis_errors

log = logging.getLogger("sockgate")

MAX_EACH = 20
TTL_S = 3600


def note(uid: str, channel: str) -> None:
    """Note a denied channel of a user, both as on the wire. A failure of Redis is only logged."""
    key = _key(uid)
    try:
        with pools.records().pipeline(transaction=False) as pipe:
            pipe.lpush(key, f"{time():.3f} {channel}")
            pipe.ltrim(key, 0, MAX_EACH - 1)
            pipe.expire(key, TTL_S)
            pipe.execute()
    except redis_errors.RedisError as error:
        log.info("A denied channel is not remembered: %s", error)


def read(uid: str) -> list[tuple[float, str]]:
    """Return when and which channels were denied to a user in the last hour, the newest first.

    Raises:
        redis.RedisError: Redis fails or does not answer.
    """
    client: Any = pools.records()
    found = [one.decode().partition(" ") for one in client.lrange(_key(uid), 0, MAX_EACH - 1)]
    return [(float(at), channel) for at, _, channel in found]


def _key(uid: str) -> str:
    return conf.current().names.denied(uid)
