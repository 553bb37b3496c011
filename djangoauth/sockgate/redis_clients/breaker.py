"""A circuit breaker: after a failure, Redis is not used for a while.

Strategy: while the breaker is closed, every call runs. A failure opens it, and no call runs until
the pause is over. Then one call at a time is the trial: it closes the breaker, or opens it for
twice as long, up to ``MAX_PAUSE_S``. Other calls that meet the same failure change nothing. A spent
time budget is no failure of Redis. One breaker serves all threads of a process.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import Any

from django.core.signals import setting_changed
from django.dispatch import receiver

from . import redis_errors, time_budget

MIN_PAUSE_S = 2.0
MAX_PAUSE_S = 16.0
TRIAL_S = 30.0
"""After so long without a result, the next trial may run."""


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

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Run calls to Redis within this context; their failure opens the breaker.

        Raises:
            BreakerOpen: Redis has failed a moment ago; nothing ran.
        """
        is_trial = self._enter()
        try:
            yield
        except redis_errors.RedisError as error:
            if isinstance(error, time_budget.BudgetSpent):  # No failure of Redis.
                self._end_trial(is_trial)
            else:
                self._fail(is_trial)
            raise
        except BaseException:
            self._end_trial(is_trial)
            raise
        if is_trial:
            self.reset()

    def reset(self) -> None:
        """Close the breaker: Redis has answered, or is another server."""
        with self._lock:
            self._pause_s = self._shut_until = 0.0

    def _enter(self) -> bool:
        """Return whether the call is the trial; raise ``BreakerOpen`` if it may not run."""
        with self._lock:
            now, is_closed = self._clock(), not self._pause_s
            if not is_closed and now < self._shut_until:
                raise BreakerOpen(self._shut_until - now)
            if not is_closed:
                self._shut_until = now + TRIAL_S
            return not is_closed

    def _fail(self, is_trial: bool) -> None:
        with self._lock:
            if self._pause_s and not is_trial:
                return  # It began before the first failure, and met the same one.
            self._pause_s = min(max(self._pause_s * 2, MIN_PAUSE_S), MAX_PAUSE_S)
            self._shut_until = self._clock() + self._pause_s

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
