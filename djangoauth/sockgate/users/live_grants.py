"""Whether ``{% live %}`` gives grants to pages: then permissions matter without ``AUTHORIZE``, too.

Strategy: the process that renders such a page notes it in Redis, before it reads the rights of the
viewer. Another process may change the permissions, and reads the note.
"""

from time import monotonic

from .. import conf
from ..redis_clients import pools

NOTE_S = 60.0
"""How often a process notes it, because Redis may have lost its data."""

_noted_at = float("-inf")


def note() -> None:
    """Note that grants are issued without ``AUTHORIZE``.

    Raises:
        redis.RedisError: Redis fails or does not answer.
    """
    global _noted_at
    if conf.current().authorize is None and monotonic() - _noted_at > NOTE_S:
        pools.records().set(_key(), 1)
        _noted_at = monotonic()


def are_noted() -> bool:
    """Return whether any process has noted it.

    Raises:
        redis.RedisError: Redis fails or does not answer.
    """
    return bool(pools.records().exists(_key()))


def _key() -> str:
    return f"{conf.current().key_prefix}live_grants"
