"""A parser that gives a whole socket read at once.

Strategy: redis-py hands over one message per await, which costs more than hiredis needs for
fifty. On a subscribed connection (RESP2, where a message is a plain array), every reply that
the parser already holds is taken in one go. Handshake, AUTH, TLS, Sentinel and the rest stay
redis-py's business.
"""

from typing import Any

from redis._parsers.hiredis import NOT_ENOUGH_DATA
from redis.asyncio.connection import DefaultParser

_SUBSCRIBED = frozenset({b"message", b"subscribe", b"unsubscribe", b"pong"})

Reply = tuple[bytes, bytes, bytes]
"""Kind, channel, payload; to a subscribe or unsubscribe, the third is a count."""


class DrainingParser(DefaultParser):  # type: ignore[misc, valid-type]
    """hiredis, emptied at each reading."""

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """Return one reply as usual or, once subscribed, a list of all replies at hand.

        Raises:
            ResponseError: one of them is an error; the link is of no use any more.
        """
        first = await super().read_response(*args, **kwargs)
        if not (isinstance(first, list) and first and first[0] in _SUBSCRIBED):
            return first
        replies: list[Any] = [first]
        take = self._reader.gets
        while (reply := take(False)) is not NOT_ENOUGH_DATA:
            if isinstance(reply, Exception):
                raise reply
            replies.append(reply)
        return replies
