"""How errors of redis-py become ``BrokerUnavailable``.

Strategy: a command that has found no free connection of this worker says nothing about Redis. It
fails with ``OwnConnectionsBusy``, a kind of ``BrokerUnavailable``: clients shall try again later,
and what decides whether Redis has failed leaves it out of account.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import BrokerUnavailable, OwnConnectionsBusy
from ..redis_servers.errors import FAILURES, cause_of, is_own_limit


class BusyCount:
    """How many commands of this process have found no free connection."""

    def __init__(self) -> None:
        self.total = 0


BUSY = BusyCount()


def unavailable(error: BaseException) -> BrokerUnavailable:
    """Return what to raise for an error of redis-py."""
    if not is_own_limit(error):
        return BrokerUnavailable(cause_of(error))
    BUSY.total += 1
    return OwnConnectionsBusy(cause_of(error))


@contextmanager
def translated_errors() -> Iterator[None]:
    """Run commands of redis-py within this context.

    Raises:
        BrokerUnavailable: Redis cannot be used now.
        OwnConnectionsBusy: this worker has no free connection.
    """
    try:
        yield
    except FAILURES as error:
        raise unavailable(error) from error
