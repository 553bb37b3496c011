"""How errors of redis-py become ``BrokerUnavailable``."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import BrokerUnavailable
from ..redis_servers.errors import FAILURES, cause_of


@contextmanager
def translated_errors() -> Iterator[None]:
    """Run commands of redis-py within this context.

    Raises:
        BrokerUnavailable: Redis cannot be used now.
    """
    try:
        yield
    except FAILURES as error:
        raise BrokerUnavailable(cause_of(error)) from error
