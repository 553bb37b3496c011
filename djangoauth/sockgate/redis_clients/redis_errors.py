"""The errors of redis-py, which is imported when one of them is needed.

redis-py takes a tenth of a second to import. ``except redis_errors.RedisError`` reads the name only
while an exception is raised, so that a process that uses no Redis does not import it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis import RedisError, ResponseError, TimeoutError  # noqa: A004
    from redis.exceptions import NoPermissionError

__all__ = ["NoPermissionError", "RedisError", "ResponseError", "TimeoutError"]


def is_own_limit(error: Exception) -> bool:
    """Return whether this process had no free connection, so that Redis was not asked."""
    from sockgate_gateway.redis_servers import errors

    return errors.is_own_limit(error)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import redis

    return getattr(redis.exceptions, name)
