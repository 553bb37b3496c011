"""Streams: data that the kernel does not take waits, in order, within a limit."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from sockgate_gateway.errors import Disconnect
from sockgate_gateway.websocket.epoll import open_poller
from sockgate_gateway.websocket.stream import SocketStream, TornadoStream
from sockgate_gateway.wire.closecodes import CloseCode
from tornado.iostream import IOStream

from tests.waiting import turn_loop, until

LIMIT_BYTES = 4 * 1024 * 1024
LARGE = b"x" * (1024 * 1024)


class RecordingHandler:
    """Records the events of a stream."""

    def __init__(self) -> None:
        self.data = b""
        self.disconnects = 0
        self.refusals: list[Disconnect] = []

    def on_data(self, data: bytes) -> None:
        self.data += data

    def on_disconnect(self) -> None:
        self.disconnects += 1

    def on_outbox_full(self, refusal: Disconnect) -> None:
        self.refusals.append(refusal)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends, non-blocking."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    yield ours, theirs
    for end in (ours, theirs):
        end.close()


@pytest.fixture
def handler() -> RecordingHandler:
    return RecordingHandler()


@pytest.fixture(params=["socket", "tornado"])
def open_stream(request, handler):
    """Open a stream of either kind on a socket, within a running loop."""

    def open_stream(sock: socket.socket, limit_bytes: int = LIMIT_BYTES):
        loop = asyncio.get_running_loop()
        if request.param == "socket":
            return SocketStream(sock, handler, open_poller(loop), limit_bytes)
        return TornadoStream(IOStream(sock), handler, loop, limit_bytes)

    return open_stream


async def read_all(sock: socket.socket) -> bytes:
    """Read until the other side ends."""
    loop, whole = asyncio.get_running_loop(), b""
    while chunk := await loop.sock_recv(sock, 1024 * 1024):
        whole += chunk
    return whole


async def test_stream_knows_that_something_waits_to_be_read(pair, open_stream, handler):
    stream = open_stream(pair[0])
    await asyncio.sleep(0)
    assert not stream.has_unread
    pair[1].send(b"pong")
    assert stream.has_unread
    while not handler.data:
        await asyncio.sleep(0)
    assert not stream.has_unread
    stream.close()
    assert not stream.has_unread


async def test_stream_sends_what_is_written(pair, open_stream):
    stream = open_stream(pair[0])
    stream.write(b"hello, ")
    stream.write(b"world")
    stream.close_when_flushed()
    assert await read_all(pair[1]) == b"hello, world"


async def test_stream_keeps_order_when_the_kernel_is_full(pair, open_stream):
    stream = open_stream(pair[0])
    stream.write(LARGE)
    stream.write(b"middle")
    stream.write(LARGE)
    stream.close_when_flushed()
    assert await read_all(pair[1]) == LARGE + b"middle" + LARGE


async def test_stream_delivers_arriving_data(pair, open_stream, handler):
    open_stream(pair[0])
    pair[1].send(b"one")
    await until(lambda: handler.data == b"one")
    pair[1].send(b"two")
    await until(lambda: handler.data == b"onetwo")


async def test_disconnect_is_reported_once(pair, open_stream, handler):
    stream = open_stream(pair[0])
    pair[1].close()
    for _ in range(3):
        stream.write(b"into the void")
    await until(lambda: handler.disconnects)
    stream.write(b"still")
    stream.close()
    await turn_loop()
    assert handler.disconnects == 1


async def test_write_never_calls_the_handler_at_once(pair, open_stream, handler):
    stream = open_stream(pair[0], limit_bytes=1000)
    stream.write(LARGE)
    stream.write(LARGE)
    pair[1].close()
    stream.write(b"into the void")
    assert (handler.disconnects, handler.refusals) == (0, [])
    await until(lambda: handler.disconnects or handler.refusals)


async def test_data_above_the_limit_is_reported(pair, open_stream, handler):
    stream = open_stream(pair[0])
    for _ in range(6):
        stream.write(LARGE)
    await until(lambda: handler.refusals)
    assert handler.refusals[0].code is CloseCode.SLOW_CONSUMER


async def test_no_frame_follows_a_chunk_whose_rest_exceeds_the_limit(pair, handler):
    stream = SocketStream(pair[0], handler, open_poller(asyncio.get_running_loop()), 1000)
    stream.write(LARGE)
    stream.write(b"next frame")
    await until(lambda: handler.refusals)
    stream.discard_unsent()
    stream.write(b"close frame")
    stream.close_when_flushed()
    received = await read_all(pair[1])
    assert received
    assert LARGE.startswith(received)
    assert len(handler.refusals) == 1
    assert handler.disconnects == 0


async def test_closed_stream_reports_no_further_event(pair, open_stream, handler):
    stream = open_stream(pair[0])
    stream.close()
    stream.close()
    stream.write(b"too late")
    await turn_loop()
    assert (handler.disconnects, handler.refusals) == (0, [])
    assert await read_all(pair[1]) == b""


async def test_unsent_data_is_discarded_except_for_a_chunk_sent_in_part(pair, handler):
    stream = SocketStream(pair[0], handler, open_poller(asyncio.get_running_loop()), LIMIT_BYTES)
    for _ in range(3):
        stream.write(LARGE)
    stream.discard_unsent()
    stream.write(b"close frame")
    stream.close_when_flushed()
    assert await read_all(pair[1]) == LARGE + b"close frame"
    assert handler.refusals == []


async def test_closing_stream_still_receives_data(pair, handler):
    stream = SocketStream(pair[0], handler, open_poller(asyncio.get_running_loop()), LIMIT_BYTES)
    stream.close_when_flushed()
    assert await read_all(pair[1]) == b""
    pair[1].send(b"answer")
    await until(lambda: handler.data == b"answer")


async def test_idle_stream_has_no_writer_in_the_loop(pair, handler):
    stream = SocketStream(pair[0], handler, open_poller(asyncio.get_running_loop()), LIMIT_BYTES)
    stream.write(b"small")
    assert stream._outbox is None
    stream.write(LARGE)
    assert stream._outbox
    stream.close_when_flushed()
    await read_all(pair[1])
    assert stream._outbox is None


async def test_disconnected_client_does_not_stop_a_broadcast(open_stream, handler):
    pairs = [socket.socketpair() for _ in range(3)]
    streams = []
    for ours, theirs in pairs:
        ours.setblocking(False)
        theirs.setblocking(False)
        streams.append(open_stream(ours))
    pairs[0][1].close()
    for stream in streams:
        stream.write(b"news")
    for stream in streams:
        stream.close_when_flushed()
    assert [await read_all(theirs) for _, theirs in pairs[1:]] == [b"news", b"news"]
    await until(lambda: handler.disconnects)
    for stream in streams:
        stream.close()
    for sock in (end for pair in pairs for end in pair):
        sock.close()
