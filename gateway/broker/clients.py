"""Redis clients of one worker."""

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from .draining import DrainingParser
from .packing import PackingConnection

TIMEOUT_S = 3.0
"""A command that takes longer finds Redis unavailable."""

_READERS = 4


def open_client(url: str) -> Redis:
    """Open a client for short commands; it connects when first used.

    It never tries a command twice: whoever asks would rather hear at once that Redis is away.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        connection_class=PackingConnection,
        protocol=2,  # With 3, redis-py 8 hands out idle connections that Redis has closed.
        max_connections=_READERS,
        timeout=TIMEOUT_S,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        client_name="sockgate-reader",
    )
    return Redis.from_pool(pool)


def subscriber_pool(url: str) -> ConnectionPool:
    """Give a pool whose connections hand over whole socket reads (see ``draining``)."""
    return ConnectionPool.from_url(
        url,
        connection_class=PackingConnection,
        parser_class=DrainingParser,
        protocol=2,
        socket_timeout=None,
        socket_connect_timeout=TIMEOUT_S,
        socket_keepalive=True,
        socket_read_size=256 * 1024,
        retry=Retry(NoBackoff(), 0),
        client_name="sockgate-subscriber",
    )
