"""Readers of many sockets: called when there is something to read, and never once removed."""

import asyncio
import socket
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from gateway.websocket.poll import Epoll, Poll, open_poll
from tests.waiting import turn_loop, until

PAIRS = 3

kinds = pytest.mark.parametrize("kind", [Poll, Epoll])


def test_system_without_epoll_is_polled_by_its_loop(monkeypatch):
    assert type(open_poll(Mock())) is Epoll
    monkeypatch.delattr("select.epoll")
    assert type(open_poll(Mock())) is Poll


@pytest.fixture
def pairs() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    pairs = [socket.socketpair() for _ in range(PAIRS)]
    yield pairs
    for pair in pairs:
        for end in pair:
            end.close()


@kinds
async def test_reader_is_called_for_its_socket(pairs, kind):
    poll, heard = kind(asyncio.get_running_loop()), []
    for ours, _ in pairs:
        poll.add(ours.fileno(), lambda ours=ours: heard.append(ours.recv(9)))
    pairs[1][1].send(b"one")
    await until(lambda: heard == [b"one"])
    pairs[0][1].send(b"two")
    await until(lambda: heard == [b"one", b"two"])


@kinds
async def test_reader_is_called_when_the_other_side_leaves(pairs, kind):
    poll, heard = kind(asyncio.get_running_loop()), []
    ours, theirs = pairs[0]
    poll.add(ours.fileno(), lambda: (heard.append(ours.recv(9)), poll.remove(ours.fileno())))
    theirs.close()
    await until(lambda: heard == [b""])


@kinds
async def test_second_reader_takes_the_place_of_the_first(pairs, kind):
    poll, heard = kind(asyncio.get_running_loop()), []
    ours, theirs = pairs[0]
    poll.add(ours.fileno(), lambda: heard.append("first"))
    poll.add(ours.fileno(), lambda: heard.append(ours.recv(9)))
    theirs.send(b"second")
    await until(lambda: heard)
    assert heard == [b"second"]


@kinds
async def test_removed_reader_is_not_called_even_in_the_same_turn(pairs, kind):
    poll, heard = kind(asyncio.get_running_loop()), []

    def remove_all():
        heard.append("called")
        for ours, _ in pairs:
            poll.remove(ours.fileno())
            poll.remove(ours.fileno())

    for ours, theirs in pairs:
        poll.add(ours.fileno(), remove_all)
        theirs.send(b"x")
    await turn_loop()
    assert heard == ["called"]


async def test_reader_that_fails_keeps_nobody_from_reading(pairs, caplog):
    poll, heard = Epoll(asyncio.get_running_loop()), []

    def fail():
        pairs[0][0].recv(9)
        raise RuntimeError("a fault of ours")

    poll.add(pairs[0][0].fileno(), fail)
    poll.add(pairs[1][0].fileno(), lambda: heard.append(pairs[1][0].recv(9)))
    pairs[0][1].send(b"x")
    pairs[1][1].send(b"y")
    await until(lambda: heard == [b"y"])
    assert "event=reader_failed" in caplog.text
