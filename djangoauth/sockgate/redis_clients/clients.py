"""Clients of Redis as Django code opens them: retries and timeouts by purpose.

Imports nothing of Django, so that scripts can use it.
"""

from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff
from redis.credentials import CredentialProvider
from redis.retry import Retry
from sockgate_gateway.redis_servers import clients
from sockgate_gateway.redis_servers.options import Timeouts

from . import memory, time_budget
from .retries import PUBLISHER_TIMEOUTS


def open_client(
    url: str,
    retries: int,
    timeouts: Timeouts = PUBLISHER_TIMEOUTS,
    credentials: CredentialProvider | None = None,
) -> Redis:
    """Open a client.

    It connects when it is first used; the client of a cluster reads the nodes here.

    Args:
        url: of Redis.
        retries: how many times a command is tried again.
        timeouts: fixed ones count against the time budget; see ``time_budget``.
        credentials: in place of those in the URL.

    Raises:
        redis.RedisError: no node of the cluster answers.
        sockgate_gateway.wire.errors.AddressError: the URL has none of the known forms.
    """
    if memory.is_memory(url):
        return memory.open_client()
    retry = _BudgetRetry if timeouts.is_fixed else Retry
    return clients.open_client(url, timeouts, retry(_backoff(), retries), credentials)


def open_async_client(
    url: str,
    retries: int,
    timeouts: Timeouts = PUBLISHER_TIMEOUTS,
    credentials: CredentialProvider | None = None,
) -> AsyncRedis:
    """Open the asyncio twin."""
    if memory.is_memory(url):
        return memory.open_async_client()
    return clients.open_async_client(url, timeouts, AsyncRetry(_backoff(), retries), credentials)


class _BudgetRetry(Retry):
    """Counts the time of each command against the time budget."""

    def call_with_retry(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command or connect, unless the budget is spent."""
        with time_budget.spending():
            return super().call_with_retry(*args, **kwargs)


def _backoff() -> ExponentialWithJitterBackoff:
    return ExponentialWithJitterBackoff(base=0.05, cap=0.5)
