"""The one place where what goes wrong with Redis becomes an error of the gateway's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisClusterException, RedisError

from ..errors import BrokerUnavailable

FAILURES = (RedisError, RedisClusterException, OSError)
"""What redis-py raises; that a whole cluster is away is none of its ``RedisError``s."""


@contextmanager
def asking_redis() -> Iterator[None]:
    """Ask Redis within.

    Raises:
        BrokerUnavailable: Redis cannot be asked now.
    """
    try:
        yield
    except FAILURES as error:
        raise BrokerUnavailable(type(error).__name__) from error
