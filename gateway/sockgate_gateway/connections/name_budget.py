"""How many channels a user may name that nobody else has named.

Strategy: in a public namespace a client's word is enough for a channel, and the position of a
channel is a key in Redis. So a name that no connection of this worker uses is charged to its user,
or to the network of a visitor. A name costs as much as there are workers, so that the limit holds
for all of them together.
"""

from collections.abc import Callable

from ..loop.timer_wheel import TimerWheel
from .connection import Connection
from .rate_limit import RateLimit

PER_SECOND = 3.0
BURST_S = 3600.0
"""At most 270,000 names on the first day: with 500 bytes each, 0.14 GB of Redis's memory."""


class NameBudget:
    """The budgets of a worker.

    Args:
        wheel: has the clock.
        count_workers: returns how many workers there are.
    """

    def __init__(self, wheel: TimerWheel, count_workers: Callable[[], int]) -> None:
        self._names = RateLimit(wheel, PER_SECOND, BURST_S)
        self._count_workers = count_workers
        self.refused = 0

    def take(self, connection: Connection) -> bool:
        """Charge one name to the user of a connection; False: the budget is spent."""
        is_left = self._names.take(connection.uid or connection.source, self._count_workers())
        self.refused += not is_left
        return is_left
