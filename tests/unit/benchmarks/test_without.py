"""The simple implementations that replace a technique still fit the classes that they change."""

import asyncio

import pytest
from sockgate_gateway.broker.pubsub_protocol import PubSubProtocol
from sockgate_gateway.websocket.stream import SocketStream

from benchmarks.servers.programs.without import take_one_by_one, without, write_when_writable
from benchmarks.servers.without import TECHNIQUES

MESSAGE = b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n"


class Everything:
    """A socket, a poller and a loop that accept all calls."""

    def __getattr__(self, name: str):
        return lambda *anything: self

    def fileno(self) -> int:
        return 1


def test_write_without_the_direct_path_waits_for_the_socket():
    everything = Everything()
    everything.loop = everything
    stream = SocketStream(everything, everything, everything, 100)
    write_when_writable(stream, b"data")
    assert stream._outbox.first() == b"data"


async def test_replies_without_draining_are_handled_one_by_one():
    handled = []
    protocol = PubSubProtocol(Everything(), lambda replies: handled.append(list(replies)))
    take_one_by_one(protocol, 2 * MESSAGE)
    await asyncio.sleep(0)  # They are handled in the next turn of the loop.
    assert handled == 2 * [[[b"message", b"a", b"b"]]]


def test_unknown_technique_is_an_error():
    with pytest.raises(SystemExit, match="no such technique"):
        without("magic")


def test_shown_techniques_exist():
    from benchmarks.techniques import SHOWN

    assert {technique for technique, *_ in SHOWN} == set(TECHNIQUES)
