"""What a subscribed connection hears, a whole socket read at once.

Strategy: redis-py hands over one message per await, which costs more than hiredis needs for
fifty, and each read wakes a task through a future, a loop turn later. So once the handshake, AUTH,
TLS, Sentinel and the rest are done, which stay redis-py's business, a protocol of our own hears
what the connection's transport reads, and gives all replies of a read to whoever wants them
within the same call. What is written still goes through redis-py. Under RESP2 a message is a plain
array.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import NoReturn

from hiredis import Reader
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError, ResponseError

Reply = tuple[bytes, bytes, bytes]
"""Kind, channel, payload; to a subscribe or unsubscribe, the third is a count."""

Take = Callable[[Iterator[Reply]], None]


async def drain(connection: AbstractConnection, take: Take) -> None:
    """Give all replies of each socket read to ``take``, until the connection fails.

    Args:
        connection: has just been made; nothing that it was asked is unanswered.
        take: what it raises ends the connection.

    Raises:
        RedisError, OSError: the connection is broken, or an answer was an error.
        Exception: whatever ``take`` raised.
    """
    writer = connection._writer
    if writer is None:
        raise RedisConnectionError("not connected")
    streams = writer.transport.get_protocol()
    drainage = Drainage(streams, take)
    writer.transport.set_protocol(drainage)
    await drainage.ended


class Drainage(asyncio.Protocol):
    """Stands between a transport and redis-py's streams, and keeps what is read to itself."""

    def __init__(self, streams: asyncio.BaseProtocol, take: Take) -> None:
        self._streams = streams
        self._take = take
        self._reader = Reader(protocolError=InvalidResponse, replyError=_refuse)
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """Hand over what is whole."""
        if self.ended.done():
            return
        try:
            self._reader.feed(data)
            self._take(iter(self._reader.gets, False))
        except RedisError as error:
            self._end(error)  # Anything else is a fault, for which asyncio ends the connection.

    def connection_lost(self, error: Exception | None) -> None:
        """End, and let the streams know."""
        self._streams.connection_lost(None)  # Why is not for who closes, but for who awaits.
        self._end(error or RedisConnectionError("closed by the server"))

    def pause_writing(self) -> None:
        """Let who writes through the streams wait."""
        self._streams.pause_writing()

    def resume_writing(self) -> None:
        """Let him write on."""
        self._streams.resume_writing()

    def _end(self, error: Exception) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)


def _refuse(message: str) -> NoReturn:
    raise ResponseError(message)
