"""Pollers call back for readable sockets, and never for a removed one."""

import asyncio
import socket
from collections.abc import Iterator
from unittest.mock import Mock

import pytest
from sockgate_gateway.websocket.epoll import EpollPoller, LoopPoller, open_poller

from tests.waiting import turn_loop, until

PAIRS = 3

kinds = pytest.mark.parametrize("kind", [LoopPoller, EpollPoller])


def test_system_without_epoll_uses_the_readers_of_its_loop(monkeypatch):
    assert type(open_poller(Mock())) is EpollPoller
    monkeypatch.delattr("select.epoll")
    assert type(open_poller(Mock())) is LoopPoller


@pytest.fixture
def pairs() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    pairs = [socket.socketpair() for _ in range(PAIRS)]
    yield pairs
    for pair in pairs:
        for end in pair:
            end.close()


@kinds
async def test_reader_is_called_for_its_socket(pairs, kind):
    poller, received = kind(asyncio.get_running_loop()), []
    for ours, _ in pairs:
        poller.add(ours.fileno(), lambda ours=ours: received.append(ours.recv(9)))
    pairs[1][1].send(b"one")
    await until(lambda: received == [b"one"])
    pairs[0][1].send(b"two")
    await until(lambda: received == [b"one", b"two"])


@kinds
async def test_reader_is_called_when_the_other_side_closes(pairs, kind):
    poller, received = kind(asyncio.get_running_loop()), []
    ours, theirs = pairs[0]
    poller.add(ours.fileno(), lambda: (received.append(ours.recv(9)), poller.remove(ours.fileno())))
    theirs.close()
    await until(lambda: received == [b""])


@kinds
async def test_second_reader_replaces_the_first(pairs, kind):
    poller, received = kind(asyncio.get_running_loop()), []
    ours, theirs = pairs[0]
    poller.add(ours.fileno(), lambda: received.append("first"))
    poller.add(ours.fileno(), lambda: received.append(ours.recv(9)))
    theirs.send(b"second")
    await until(lambda: received)
    assert received == [b"second"]


@kinds
async def test_removed_reader_is_not_called_even_in_the_same_turn(pairs, kind):
    poller, received = kind(asyncio.get_running_loop()), []

    def remove_all():
        received.append("called")
        for ours, _ in pairs:
            poller.remove(ours.fileno())
            poller.remove(ours.fileno())

    for ours, theirs in pairs:
        poller.add(ours.fileno(), remove_all)
        theirs.send(b"x")
    await turn_loop()
    assert received == ["called"]


async def test_reader_that_fails_does_not_stop_the_others(pairs, caplog):
    poller, received = EpollPoller(asyncio.get_running_loop()), []

    def fail():
        pairs[0][0].recv(9)
        raise RuntimeError("our own fault")

    poller.add(pairs[0][0].fileno(), fail)
    poller.add(pairs[1][0].fileno(), lambda: received.append(pairs[1][0].recv(9)))
    pairs[0][1].send(b"x")
    pairs[1][1].send(b"y")
    await until(lambda: received == [b"y"])
    assert "event=reader_failed" in caplog.text
