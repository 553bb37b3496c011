"""How much a user may request: to recover, with each connection and with all, and of presence.

Strategy: a history is read in Redis and sent at once, so repeated requests for recovery cost much
and need few bytes. So does the presence of a large channel. Each user has a budget of bytes over
all connections. Visitors share one for each network. When it is spent, ``gap`` is sent at once, or
presence is rejected, and nothing is read.
"""

from ..loop.timer_wheel import TimerWheel
from .connection import Connection
from .rate_limit import RateLimit

REPLAYS = 10
REFILL_S = 60.0
"""A user may recover ten times the full size at once, and as much again in each minute."""


class ReplayBudget:
    """The budgets of a worker.

    Args:
        wheel: has the clock.
        limit_bytes: how much one connection may recover at once, all channels together.
    """

    def __init__(self, wheel: TimerWheel, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._bytes = RateLimit(wheel, REPLAYS * limit_bytes / REFILL_S, REFILL_S)

    def room_for(self, connection: Connection) -> "ReplayRoom":
        """Return how much a connection may recover now; its user is known."""
        return ReplayRoom(self.limit_bytes, self._bytes, connection.uid or connection.source)


class ReplayRoom:
    """What one connection may recover, within what is left for its user.

    Args:
        limit_bytes: for this connection.
        budgets: bytes by user.
        owner: the key of the budget.
    """

    __slots__ = ("_budgets", "_limit_bytes", "_owner", "left_bytes")

    def __init__(self, limit_bytes: int, budgets: RateLimit, owner: str) -> None:
        self.left_bytes = limit_bytes
        self._limit_bytes = limit_bytes
        self._budgets = budgets
        self._owner = owner

    @property
    def may_recover(self) -> bool:
        """Whether the user's budget allows one more recovery of full size."""
        return self._budgets.left(self._owner) >= self._limit_bytes

    def spend(self, size_bytes: int, *, is_delivered: bool) -> None:
        """Charge what was read, whether it was delivered or too much."""
        if size_bytes:
            self._budgets.charge(self._owner, size_bytes)
            self.left_bytes -= size_bytes if is_delivered else 0
