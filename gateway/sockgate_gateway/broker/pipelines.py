"""Pipelines in which one command may fail without the others."""

from typing import Any

from redis.exceptions import ResponseError

from .errors import translated_errors


async def execute_each(pipeline: Any) -> list[Any]:
    """Run the commands of a pipeline that is not a transaction.

    Returns:
        A reply for each command. Where a key holds another type, the reply is that error: a key
        that was made by hand must not keep the others from being read or written.

    Raises:
        BrokerUnavailable: Redis cannot be used now.
    """
    with translated_errors():
        replies = list(await pipeline.execute(raise_on_error=False))
        for reply in replies:
            if isinstance(reply, Exception) and not _is_wrong_type(reply):
                raise reply
    return replies


def _is_wrong_type(reply: object) -> bool:
    return isinstance(reply, ResponseError) and str(reply).startswith("WRONGTYPE")
