"""Pipelines of which one command may fail without the others."""

from typing import Any

from redis.exceptions import ResponseError

from .asking import asking_redis


async def replies_of(pipeline: Any) -> list[Any]:
    """Run the commands of a pipeline that is no transaction.

    Returns:
        A reply for each. Where a key holds another type it is that error: a key that was made by
        hand must not keep the others from being read or written.

    Raises:
        BrokerUnavailable: Redis cannot be asked now.
    """
    with asking_redis():
        replies = list(await pipeline.execute(raise_on_error=False))
        for reply in replies:
            if isinstance(reply, Exception) and not is_of_another_type(reply):
                raise reply
    return replies


def is_of_another_type(reply: object) -> bool:
    """Tell whether Redis refused a command since the key holds another type."""
    return isinstance(reply, ResponseError) and str(reply).startswith("WRONGTYPE")
