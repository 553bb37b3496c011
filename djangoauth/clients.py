"""How a Redis client is opened. Imports nothing of Django, so that scripts can use it."""

from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

RETRIES = 2
CONNECT_TIMEOUT_S = 2.0
REPLY_TIMEOUT_S = 5.0
"""Each of the two may be set in the URL instead: ``?socket_timeout=1``."""


def open_client(url: str, retries: int) -> Redis:
    """Open a client that tries a command so many times again; it connects when first used."""
    return Redis.from_url(url, retry=Retry(_backoff(), retries), **_options())


def open_async_client(url: str, retries: int) -> AsyncRedis:
    """Open the asyncio twin."""
    return AsyncRedis.from_url(url, retry=AsyncRetry(_backoff(), retries), **_options())


def _backoff() -> ExponentialWithJitterBackoff:
    return ExponentialWithJitterBackoff(base=0.05, cap=0.5)


def _options() -> dict[str, Any]:
    return {
        "protocol": 2,
        "socket_timeout": REPLY_TIMEOUT_S,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
    }
