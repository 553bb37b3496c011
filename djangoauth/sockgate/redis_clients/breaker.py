"""A circuit breaker: after a failure, Redis is not used for a while.

Strategy: while the breaker is closed, every call runs. A failure opens it, and no call runs until
the pause is over. Then one call at a time is the trial: it closes the breaker, or opens it for
twice as long, up to ``MAX_PAUSE_S``. Other calls that meet the same failure change nothing. One
breaker serves all threads of a process.

What this process lacks is no failure of Redis: a spent time budget, or no free connection of its
own. A command that times out within its share of a budget may say either. So the breaker opens
after ``TIMEOUTS`` of them, each of a call that began after the one before, and none that succeeded
in between: a frozen Redis soon costs no page anything, and one late answer changes nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from threading import Lock
from time import monotonic
from typing import Any

from django.core.signals import setting_changed
from django.dispatch import receiver

from . import redis_errors, time_budget

MIN_PAUSE_S = 2.0
MAX_PAUSE_S = 16.0
TIMEOUTS = 3
TRIAL_S = 30.0
"""How long a trial may be without a result before the next one may run."""


class BreakerOpen(Exception):
    """Redis has failed a moment ago and is not used for ``retry_after_s`` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("Redis has failed a moment ago")
        self.retry_after_s = retry_after_s


class Breaker:
    """Allow calls to Redis while it answers.

    Args:
        clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._pause_s = 0.0
        self._shut_until = 0.0
        self._timeouts = 0
        self._timed_out_at = -inf

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Run calls to Redis within this context; their failure opens the breaker.

        Raises:
            BreakerOpen: Redis has failed a moment ago; nothing ran.
        """
        is_trial, began_at = self._enter()
        try:
            yield
        except redis_errors.RedisError as error:
            if redis_errors.is_own_limit(error) or isinstance(error, time_budget.BudgetSpent):
                self._end_trial(is_trial)
            elif is_trial or not isinstance(error, time_budget.ShortOfTime):
                self._fail(is_trial)
            else:
                self._time_out(began_at)
            raise
        except BaseException:
            self._end_trial(is_trial)
            raise
        self._timeouts = 0
        if is_trial:
            self.reset()

    def reset(self) -> None:
        """Close the breaker: Redis has answered, or is another server."""
        with self._lock:
            self._pause_s = self._shut_until = 0.0
            self._timeouts = 0

    def _enter(self) -> tuple[bool, float]:
        """Return whether the call is the trial, and when it began.

        Raises:
            BreakerOpen: it may not run.
        """
        with self._lock:
            now, is_closed = self._clock(), not self._pause_s
            if not is_closed and now < self._shut_until:
                raise BreakerOpen(self._shut_until - now)
            if not is_closed:
                self._shut_until = now + TRIAL_S
            return not is_closed, now

    def _fail(self, is_trial: bool) -> None:
        with self._lock:
            if self._pause_s and not is_trial:
                return  # It began before the first failure, and met the same one.
            self._pause_s = min(max(self._pause_s * 2, MIN_PAUSE_S), MAX_PAUSE_S)
            self._shut_until = self._clock() + self._pause_s

    def _time_out(self, began_at: float) -> None:
        with self._lock:
            if began_at < self._timed_out_at:
                return  # It waited beside one that was counted.
            self._timeouts, self._timed_out_at = self._timeouts + 1, self._clock()
            is_too_many = self._timeouts >= TIMEOUTS
        if is_too_many:
            self._fail(is_trial=False)

    def _end_trial(self, is_trial: bool) -> None:
        with self._lock:
            if is_trial:
                self._shut_until = self._clock()


PAGES = Breaker()
"""For the first tokens of pages, which work without one."""

VIEWS = Breaker()
"""For the token and grant views, which wait longer before Redis counts as unavailable."""


@receiver(setting_changed, dispatch_uid="sockgate.redis_clients.breaker")
def _forget(*, setting: str, **_: Any) -> None:
    if setting == "SOCKGATE":  # The URL may have changed.
        PAGES.reset()
        VIEWS.reset()
