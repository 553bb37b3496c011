"""How often everybody on a channel receives that the same user has left.

Strategy: to join and to leave costs a client two short frames, and each connection on the channel
receives two as well. So a leave is charged to its user by the number of these frames. While the
budget is spent, the leave is held, and is tried again with the next heartbeat. A user who comes
back meanwhile has never left for the others: neither ``leave`` nor ``join`` is sent. The last state
always arrives, and no subscription is refused. Every join but the first follows a leave, so that
joins need no budget.
"""

import logging
from collections.abc import Callable

from ..connections.rate_limit import RateLimit
from ..loop.hint_log import HintLog
from ..loop.timer_wheel import TimerWheel

log = logging.getLogger("sockgate.hub")

PER_SECOND = 5000.0
BURST_S = 60.0
"""Frames in all workers: a few percent of one processor for a user. In a channel of 20,000, seven
leaves at once and one in eight seconds; in one of 1,000, 150 and then two or three a second."""

_HINT = "others see each return and leave of this user later, because the channel is large"


class NoticeBudget:
    """The budgets of a worker.

    Args:
        wheel: has the clock.
        receivers_of: returns about how many connections a channel has in all workers.

    ``held``: how many leaves were not sent at once.
    """

    def __init__(self, wheel: TimerWheel, receivers_of: Callable[[str], int]) -> None:
        self._frames = RateLimit(wheel, PER_SECOND, BURST_S)
        self._enough = PER_SECOND * BURST_S / 2
        self._receivers_of = receivers_of
        self._hints = HintLog(log, "leaves_held", wheel.clock)
        self.held = 0

    def allows_leave(self, channel: str, uid: str) -> bool:
        """Charge a leave and the join before it to the user; False: it is held."""
        cost = 2 * self._receivers_of(channel)
        if self._frames.left(uid) >= min(cost, self._enough):
            self._frames.charge(uid, cost)
            return True
        self.held += 1
        if self._hints.is_due(uid, uid):
            self._hints.warn("user=%s channel=%a", uid, channel, hint=_HINT)
        return False
