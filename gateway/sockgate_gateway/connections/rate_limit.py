"""A rate limit for each key, over all connections. Pure.

Strategy: a leaky bucket (ITU-T I.371) is one number for each key: the moment until which its budget
is spent. A moment in the past means a full budget, so its key can be dropped. The keys of the last
two periods are kept, and no list is ever searched.
"""

from collections.abc import Hashable

from ..loop.timer_wheel import TimerWheel


class RateLimit:
    """A budget for each key, for everything that a worker does.

    Args:
        wheel: has the clock, and drops old keys.
        per_second: how much each key may take.
        burst_s: an unused key may take at once as much as in this number of seconds.
    """

    def __init__(self, wheel: TimerWheel, per_second: float, burst_s: float) -> None:
        self._wheel = wheel
        self._cost_s = 1 / per_second
        self._burst_s = burst_s
        self._spent_until: dict[Hashable, float] = {}
        self._spent_before: dict[Hashable, float] = {}
        self._is_scheduled = False

    def take(self, key: Hashable, amount: float = 1) -> bool:
        """Take an amount of a key's budget; return False, and take nothing, when less is left."""
        now = self._wheel.clock()
        spent_until = self._spent(key, now) + self._cost_s * amount
        if spent_until - now > self._burst_s:
            return False
        self._keep(key, spent_until)
        return True

    def charge(self, key: Hashable, amount: float) -> None:
        """Take an amount, or all that is left."""
        now = self._wheel.clock()
        spent_until = self._spent(key, now) + self._cost_s * amount
        self._keep(key, min(spent_until, now + self._burst_s))

    def left(self, key: Hashable) -> float:
        """Return how much a key may take now."""
        now = self._wheel.clock()
        return (now + self._burst_s - self._spent(key, now)) / self._cost_s

    def give_back(self, key: Hashable, amount: float = 1) -> None:
        """Return an amount that was taken."""
        spent_until = self._spent_until.get(key) or self._spent_before.get(key)
        if spent_until is not None:
            self._keep(key, spent_until - self._cost_s * amount)

    def on_timer(self, now: float) -> None:
        """Drop the keys that were not used for a whole period; their budgets are full again."""
        self._spent_before, self._spent_until = self._spent_until, {}
        self._is_scheduled = bool(self._spent_before)
        if self._is_scheduled:
            self._wheel.schedule(self, self._burst_s)

    def _spent(self, key: Hashable, now: float) -> float:
        return max(self._spent_until.get(key) or self._spent_before.get(key, now), now)

    def _keep(self, key: Hashable, spent_until: float) -> None:
        self._spent_until[key] = spent_until
        if not self._is_scheduled:
            self._is_scheduled = True
            self._wheel.schedule(self, self._burst_s)
