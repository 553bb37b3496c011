"""How much time the current code may spend on Redis.

Strategy: a page must not wait for a Redis that is frozen or slow. Inside ``time_budget(0.28)`` the
clients of ``pools`` have short timeouts and never try again. The most that one command may cost and
the cost of all commands before it add up to the budget: connecting a quarter, a reply three
eighths, a Sentinel an eighth, and a quarter for everything before. Only time spent on Redis counts.
On a cluster, reading the nodes may cost as much for each node.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from time import monotonic

from . import redis_errors

CONNECT_SHARE = 1 / 4
REPLY_SHARE = 3 / 8
SENTINEL_SHARE = 1 / 8
SPENT_SHARE = 1 / 4


class BudgetSpent(Exception):
    """Mixed into the error that is raised when the budget is spent: Redis has not failed."""


class ShortOfTime(Exception):
    """Mixed into the time-out of a command that had only its share of a budget.

    It may say that Redis is frozen, or that the share was short for this moment.
    """


@cache
def _timeout_of(kind: type[Exception]) -> type[Exception]:
    return type(kind.__name__, (kind, redis_errors.TimeoutError), {})


class TimeBudget:
    """A budget in seconds, and how much of it is spent."""

    def __init__(self, budget_s: float) -> None:
        self.budget_s = budget_s
        self.spent_s = 0.0
        self.is_spending = False


_current: ContextVar[TimeBudget | None] = ContextVar("time_budget", default=None)


def current_budget_s() -> float | None:
    """Return the budget of the current code; None: it may wait."""
    budget = _current.get()
    return None if budget is None else budget.budget_s


@contextmanager
def time_budget(budget_s: float) -> Iterator[None]:
    """Limit the time that the code inside spends on Redis; an outer budget counts alone."""
    if _current.get() is not None:
        yield
        return
    token = _current.set(TimeBudget(budget_s))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def without_budget() -> Iterator[None]:
    """Leave the budget of a page out of account, for what is not part of the page."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def spending() -> Iterator[None]:
    """Count the time of one command.

    Raises:
        redis.TimeoutError: the budget is spent, or this command had too little of it.
    """
    budget = _current.get()
    if budget is None or budget.is_spending:
        yield
        return
    if budget.spent_s > budget.budget_s * SPENT_SHARE:
        raise _timeout_of(BudgetSpent)(
            f"Redis has used {budget.spent_s:.2f} s of the {budget.budget_s:g} s for this request, "
            f"and the next command could take the rest (SOCKGATE['PAGE_TIMEOUT'] for pages)"
        )
    budget.is_spending, started_at = True, monotonic()
    try:
        yield
    except redis_errors.TimeoutError as error:
        raise _timeout_of(ShortOfTime)(
            f"{str(error).rstrip('.')}: Redis did not answer within its share of the "
            f"{budget.budget_s:g} s for this request (SOCKGATE['PAGE_TIMEOUT'] for pages)"
        ) from error
    finally:
        budget.is_spending = False
        budget.spent_s += monotonic() - started_at
