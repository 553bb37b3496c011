"""The one place where what goes wrong with Redis becomes an error of the gateway's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from ..errors import BrokerUnavailable


@contextmanager
def asking_redis() -> Iterator[None]:
    """Ask Redis within.

    Raises:
        BrokerUnavailable: Redis cannot be asked now.
    """
    try:
        yield
    except (RedisError, OSError) as error:
        raise BrokerUnavailable(type(error).__name__) from error
