"""Reading a subscribed connection, all replies of a socket read at once.

Strategy: redis-py returns one message for each await, which costs more than hiredis needs for
fifty, and each read wakes a task through a future, one turn of the loop later. So redis-py does the
handshake, AUTH, TLS, Sentinel and the rest. Then ``PubSubProtocol`` takes the transport over, and
passes all replies of a read to a callback, within the same call. Writes still go through redis-py.
Under RESP2 a message is a plain array. A link that renews its login speaks RESP3, where a message
is a push, and everything else the answer to an ``AUTH``.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from hiredis import PushNotification, Reader, ReplyError
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError, ResponseError

from ..redis_servers.credentials import log_refusal

Reply = tuple[bytes, bytes, bytes]
"""Kind, channel and payload; for a subscribe or unsubscribe, the third is a count."""

ReplyHandler = Callable[[Iterator[Any]], None]
"""Takes replies; those of the worker's own link are ``Reply``."""


async def read_replies(
    connection: AbstractConnection,
    handle: ReplyHandler,
    kind: "type[PubSubProtocol] | None" = None,
) -> None:
    """Pass all replies of each socket read to ``handle``, until the connection fails.

    Args:
        connection: is new; every command on it has been answered.
        handle: an exception that it raises ends the connection.
        kind: of protocol; None: that of the worker's own link.

    Raises:
        RedisError, OSError: the connection is broken, or a reply was an error.
        Exception: whatever ``handle`` raised.
    """
    writer = connection._writer
    if writer is None:
        raise RedisConnectionError("not connected")
    streams = writer.transport.get_protocol()
    if kind is None:
        is_renewing = connection.credential_provider is not None
        kind = RenewingPubSubProtocol if is_renewing else PubSubProtocol
    protocol = kind(streams, handle)
    writer.transport.set_protocol(protocol)
    await protocol.ended


class PubSubProtocol(asyncio.Protocol):
    """Stands between a transport and redis-py's streams, and keeps the data that is read."""

    def __init__(self, streams: asyncio.BaseProtocol, handle: ReplyHandler) -> None:
        self._streams = streams
        self._handle = handle
        self._reader = self._open_reader()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """Pass complete replies to the callback."""
        if self.ended.done():
            return
        try:
            self._reader.feed(data)
            self._handle(self._received())
        except RedisError as error:
            self._end(error)  # asyncio ends the connection after any other exception.

    def _received(self) -> Iterator[Any]:
        return iter(self._reader.gets, False)

    def _open_reader(self) -> Reader:
        return Reader(protocolError=InvalidResponse, replyError=_raise_error)

    def connection_lost(self, error: Exception | None) -> None:
        """End, and close redis-py's streams."""
        self._streams.connection_lost(None)  # ``ended`` carries the error.
        self._end(error or RedisConnectionError("closed by the server"))

    def pause_writing(self) -> None:
        """Make writers through redis-py's streams wait."""
        self._streams.pause_writing()

    def resume_writing(self) -> None:
        """Continue these writers."""
        self._streams.resume_writing()

    def _end(self, error: Exception) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)


class RenewingPubSubProtocol(PubSubProtocol):
    """Takes the answers to ``AUTH`` out of the replies."""

    def _received(self) -> Iterator[Any]:
        for reply in iter(self._reader.gets, False):
            if isinstance(reply, ReplyError):
                log_refusal(reply)
            elif isinstance(reply, PushNotification):
                yield reply

    def _open_reader(self) -> Reader:
        return Reader(protocolError=InvalidResponse)


class ShardProtocol(PubSubProtocol):
    """Passes errors on as replies, as ``MOVED`` ends no link to a shard."""

    def _open_reader(self) -> Reader:
        return Reader(protocolError=InvalidResponse)


def _raise_error(message: str) -> NoReturn:
    raise ResponseError(message)
