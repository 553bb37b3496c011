"""States are a table; nothing reaches a browser before it is welcomed, nor is lost meanwhile."""

import pytest

from gateway.batch import Batch
from gateway.connection import Backlog, Identity, State
from gateway.errors import GatewayError, Refused
from gateway.wire.closecodes import CloseCode

from .fakes import new_connection

ALICE = Identity("sid", "7", ("user:7",), None)


def checking(**options):
    connection = new_connection(**options)
    connection.enter(State.CHECKING)
    return connection


@pytest.mark.parametrize(
    "way",
    [
        (State.CHECKING, State.OPEN, State.CLOSED),
        (State.CHECKING, State.CLOSED),
        (State.CLOSED,),
    ],
)
def test_connection_goes_the_ways_of_the_table(way):
    connection = new_connection()
    for state in way:
        connection.enter(state)
    assert connection.state is way[-1]


@pytest.mark.parametrize(
    "way",
    [
        (State.OPEN,),
        (State.WAITING,),
        (State.CHECKING, State.WAITING),
        (State.CHECKING, State.OPEN, State.CHECKING),
        *((State.CLOSED, state) for state in State),
    ],
)
def test_connection_goes_no_other_way(way):
    connection = new_connection()
    for state in way[:-1]:
        connection.enter(state)
    with pytest.raises(GatewayError, match=way[-1].name):
        connection.enter(way[-1])


def test_connection_hears_nothing_before_its_welcome():
    connection = checking()
    connection.outlet.send(Batch((b"early",)))
    assert connection.transport.frames == []


def test_connection_hears_what_was_held_back_after_its_welcome():
    connection = checking()
    connection.outlet.send(Batch((b"one",)))
    connection.outlet.send(Batch((b"two", b"three")))
    connection.welcome(ALICE, b"welcome")
    connection.outlet.send(Batch((b"four",)))
    assert connection.transport.frames == [b"welcome", b"one", b"two", b"three", b"four"]
    assert connection.identity is ALICE


def test_welcome_is_refused_when_too_much_was_held_back():
    connection = checking(held_limit_bytes=10)
    connection.outlet.send(Batch((b"123456",)))
    connection.outlet.send(Batch((b"123456",)))
    with pytest.raises(Refused) as refused:
        connection.welcome(ALICE, b"welcome")
    assert refused.value.code is CloseCode.SLOW_CONSUMER
    assert connection.transport.frames == []


def test_backlog_keeps_nothing_beyond_its_limit():
    backlog = Backlog(limit_bytes=10)
    for _ in range(1000):
        backlog.send(Batch((b"123456",)))
    assert backlog._batches == []


def test_shared_batch_stays_shared():
    connection, batch = checking(), Batch((b"one",))
    connection.outlet.send(batch)
    connection.welcome(ALICE, b"welcome")
    connection.outlet.send(batch)
    assert all(sent is batch for sent in connection.transport.batches[1:])
