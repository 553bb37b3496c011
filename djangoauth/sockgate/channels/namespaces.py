"""Writing the namespaces' policies to Redis, where gateways and ``Publisher`` read them."""

from time import monotonic

from sockgate_gateway.wire.control import NamespacesChanged

from .. import conf
from ..redis_clients import pools
from ..redis_clients.control import send_control

SYNC_AGE_S = 60
"""The time after which a process checks again that Redis has the policies."""


def sync() -> bool:
    """Write the policies, and notify the gateways when they have changed.

    Returns:
        True when they have changed.

    Raises:
        redis.RedisError: Redis fails or does not answer; they may not have been written.
    """
    config, client = conf.current(), pools.records()
    policies, key = config.namespaces.to_json(), config.names.namespaces
    has_changed = (client.get(key) or b"{}") != policies
    if has_changed:
        client.set(key, policies)
        send_control(NamespacesChanged())
    return has_changed


class _Schedule:
    """The time of this process's last write, and the settings that it wrote."""

    config: conf.Settings | None = None
    at: float = 0.0


def ensure_synced() -> None:
    """Write the policies unless this process did so within ``SYNC_AGE_S``; see ``sync``."""
    config, now = conf.current(), monotonic()
    if _Schedule.config is not config or now - _Schedule.at >= SYNC_AGE_S:
        sync()
        _Schedule.config, _Schedule.at = config, now
