"""Sockets: what the kernel does not take waits, in order, within a limit."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from tornado.iostream import IOStream

from gateway.errors import Refused
from gateway.websocket.link import SocketLink, StreamLink
from gateway.websocket.poll import open_poll
from gateway.wire.closecodes import CloseCode
from tests.waiting import turn_loop, until

LIMIT_BYTES = 4 * 1024 * 1024
LARGE = b"x" * (1024 * 1024)


class FakePeer:
    """Whoever hears what happens on the link."""

    def __init__(self) -> None:
        self.data = b""
        self.gone = 0
        self.refusals: list[Refused] = []

    def on_data(self, data: bytes) -> None:
        self.data += data

    def on_gone(self) -> None:
        self.gone += 1

    def on_stalled(self, refusal: Refused) -> None:
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
def peer() -> FakePeer:
    return FakePeer()


@pytest.fixture(params=["socket", "stream"])
def link_on(request, peer):
    """Make a link of either kind on a socket, within a running loop."""

    def link_on(sock: socket.socket, limit_bytes: int = LIMIT_BYTES):
        loop = asyncio.get_running_loop()
        if request.param == "socket":
            return SocketLink(sock, peer, open_poll(loop), limit_bytes)
        return StreamLink(IOStream(sock), peer, loop, limit_bytes)

    return link_on


async def read_all(sock: socket.socket) -> bytes:
    """Read until the other side ends."""
    loop, whole = asyncio.get_running_loop(), b""
    while chunk := await loop.sock_recv(sock, 1024 * 1024):
        whole += chunk
    return whole


async def test_link_sends_what_is_written(pair, link_on):
    link = link_on(pair[0])
    link.write(b"hello, ")
    link.write(b"world")
    link.close_when_flushed()
    assert await read_all(pair[1]) == b"hello, world"


async def test_link_keeps_order_when_the_kernel_is_full(pair, link_on):
    link = link_on(pair[0])
    link.write(LARGE)
    link.write(b"middle")
    link.write(LARGE)
    link.close_when_flushed()
    assert await read_all(pair[1]) == LARGE + b"middle" + LARGE


async def test_link_gives_on_what_arrives(pair, link_on, peer):
    link_on(pair[0])
    pair[1].send(b"one")
    await until(lambda: peer.data == b"one")
    pair[1].send(b"two")
    await until(lambda: peer.data == b"onetwo")


async def test_link_tells_once_that_the_other_side_is_gone(pair, link_on, peer):
    link = link_on(pair[0])
    pair[1].close()
    for _ in range(3):
        link.write(b"into the void")
    await until(lambda: peer.gone)
    link.write(b"still")
    link.close()
    await turn_loop()
    assert peer.gone == 1


async def test_write_never_calls_back_at_once(pair, link_on, peer):
    link = link_on(pair[0], limit_bytes=1000)
    link.write(LARGE)
    link.write(LARGE)
    pair[1].close()
    link.write(b"into the void")
    assert (peer.gone, peer.refusals) == (0, [])
    await until(lambda: peer.gone or peer.refusals)


async def test_link_refuses_what_exceeds_its_limit(pair, link_on, peer):
    link = link_on(pair[0])
    for _ in range(6):
        link.write(LARGE)
    await until(lambda: peer.refusals)
    assert peer.refusals[0].code is CloseCode.SLOW_CONSUMER


async def test_closed_link_tells_nothing_more(pair, link_on, peer):
    link = link_on(pair[0])
    link.close()
    link.close()
    link.write(b"too late")
    await turn_loop()
    assert (peer.gone, peer.refusals) == (0, [])
    assert await read_all(pair[1]) == b""


async def test_backlog_is_forgotten_but_for_what_has_begun_to_leave(pair, peer):
    link = SocketLink(pair[0], peer, open_poll(asyncio.get_running_loop()), LIMIT_BYTES)
    for _ in range(3):
        link.write(LARGE)
    link.forget_backlog()
    link.write(b"last words")
    link.close_when_flushed()
    assert await read_all(pair[1]) == LARGE + b"last words"
    assert peer.refusals == []


async def test_ended_link_still_hears_the_other_side(pair, peer):
    link = SocketLink(pair[0], peer, open_poll(asyncio.get_running_loop()), LIMIT_BYTES)
    link.close_when_flushed()
    assert await read_all(pair[1]) == b""
    pair[1].send(b"answer")
    await until(lambda: peer.data == b"answer")


async def test_idle_link_costs_the_loop_no_writer(pair, peer):
    link = SocketLink(pair[0], peer, open_poll(asyncio.get_running_loop()), LIMIT_BYTES)
    link.write(b"small")
    assert link._outbox is None
    link.write(LARGE)
    assert link._outbox
    link.close_when_flushed()
    await read_all(pair[1])
    assert link._outbox is None


async def test_one_dead_reader_does_not_stop_a_broadcast(link_on, peer):
    pairs = [socket.socketpair() for _ in range(3)]
    links = []
    for ours, theirs in pairs:
        ours.setblocking(False)
        theirs.setblocking(False)
        links.append(link_on(ours))
    pairs[0][1].close()
    for link in links:
        link.write(b"news")
    for link in links:
        link.close_when_flushed()
    assert [await read_all(theirs) for _, theirs in pairs[1:]] == [b"news", b"news"]
    await until(lambda: peer.gone)
    for link in links:
        link.close()
    for sock in (end for pair in pairs for end in pair):
        sock.close()
