"""Clients of a cluster whose every failure is an error of Redis.

That a whole cluster is away, or that nobody has a slot, is none of redis-py's ``RedisError``s.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from redis.asyncio.cluster import RedisCluster as AsyncRedisCluster
from redis.cluster import RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException


@contextmanager
def _asking_cluster() -> Iterator[None]:
    try:
        yield
    except RedisClusterException as error:
        raise RedisConnectionError(str(error)) from error


class Cluster(RedisCluster):
    """A client of a cluster; it looks for the nodes when it is made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        with _asking_cluster():
            super().__init__(*args, **kwargs)

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command."""
        with _asking_cluster():
            return super().execute_command(*args, **kwargs)  # type: ignore[no-untyped-call]

    @contextmanager
    def pipeline(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Give a pipeline to a ``with``, which must run it."""
        made: Any = super().pipeline(*args, **kwargs)  # type: ignore[no-untyped-call]
        with _asking_cluster(), made as pipe:
            yield pipe


class AsyncCluster(AsyncRedisCluster):
    """The asyncio twin; it looks for the nodes when it is first used."""

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command."""
        with _asking_cluster():
            return await super().execute_command(*args, **kwargs)

    @asynccontextmanager
    async def pipeline(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:  # type: ignore[override]
        """Give a pipeline to an ``async with``, which must run it."""
        with _asking_cluster():
            async with super().pipeline(*args, **kwargs) as pipe:
                yield pipe
