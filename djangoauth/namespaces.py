"""The namespaces' policies in Redis, where the gateways and publishers without Django read them."""

from time import monotonic

from gateway.wire.control import NamespacesChanged

from . import conf, redis_clients
from .control import tell_gateways

SYNC_AGE_S = 60
"""For how long a process takes it that Redis still has what it wrote."""


def sync() -> bool:
    """Write the policies, and tell the gateways when they are others than before.

    Returns:
        Whether they are.

    Raises:
        redis.RedisError: they may not be written.
    """
    config, client = conf.current(), redis_clients.records()
    policies, key = config.namespaces.to_json(), config.names.namespaces
    is_news = (client.get(key) or b"{}") != policies
    if is_news:
        client.set(key, policies)
        tell_gateways(NamespacesChanged())
    return is_news


class _Schedule:
    """When this process last wrote them, and for which settings."""

    config: conf.Settings | None = None
    at: float = 0.0


def ensure_synced() -> None:
    """Write the policies unless this process has done so lately; see ``sync``."""
    config, now = conf.current(), monotonic()
    if _Schedule.config is not config or now - _Schedule.at >= SYNC_AGE_S:
        sync()
        _Schedule.config, _Schedule.at = config, now
