"""A client receives nothing before `connected`, and nothing is lost meanwhile."""

import pytest
from sockgate_gateway.connections.batch import Batch
from sockgate_gateway.connections.connection import Identity
from sockgate_gateway.connections.outlet import HeldFrames
from sockgate_gateway.errors import Disconnect
from sockgate_gateway.wire.closecodes import CloseCode

from tests.unit.gateway.fakes import new_connection

ALICE = Identity("sid", "7", ("user:7",), None)


def checking(**options):
    connection = new_connection(**options)
    connection.start_check()
    return connection


def test_client_receives_no_frame_before_connected():
    connection = checking()
    connection.outlet.send(Batch((b"early",)))
    assert connection.transport.frames == []


def test_client_receives_held_frames_after_connected():
    connection = checking()
    connection.outlet.send(Batch((b"one",)))
    connection.outlet.send(Batch((b"two", b"three")))
    connection.welcome(ALICE, b"welcome")
    connection.resume()
    connection.outlet.send(Batch((b"four",)))
    assert connection.transport.frames == [b"welcome", b"one", b"two", b"three", b"four"]
    assert connection.identity is ALICE


def test_welcome_is_refused_when_too_many_frames_were_held_back():
    connection = checking(held_limit_bytes=10)
    connection.outlet.send(Batch((b"123456",)))
    connection.outlet.send(Batch((b"123456",)))
    with pytest.raises(Disconnect) as error:
        connection.welcome(ALICE, b"welcome")
        connection.resume()
    assert error.value.code is CloseCode.SLOW_CONSUMER
    assert connection.transport.frames == []


def test_held_frames_are_dropped_above_the_limit():
    held = HeldFrames(limit_bytes=10)
    for _ in range(1000):
        held.send(Batch((b"123456",)))
    assert held._batches == []


def test_shared_batch_stays_shared():
    connection, batch = checking(), Batch((b"one",))
    connection.outlet.send(batch)
    connection.welcome(ALICE, b"welcome")
    connection.resume()
    connection.outlet.send(batch)
    assert all(sent is batch for sent in connection.transport.batches[1:])
