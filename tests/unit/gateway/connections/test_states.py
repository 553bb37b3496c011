"""The tables of a connection's states."""

import pytest
from sockgate_gateway.connections.connection import Identity
from sockgate_gateway.connections.states import (
    INITIAL,
    TOKEN_INITIAL,
    TOKEN_TRANSITIONS,
    TRANSITIONS,
    Event,
    State,
    TokenEvent,
    TokenState,
)
from sockgate_gateway.errors import GatewayError

from tests.unit.gateway.fakes import new_connection


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((Event.TOKEN, Event.WELCOME, Event.CLOSE), State.CLOSED),
        ((Event.TOKEN, Event.WELCOME, Event.VERIFIED), State.LIVE),
        ((Event.TOKEN, Event.WELCOME, Event.VERIFIED, Event.DOUBT), State.SUSPENDED),
        ((Event.TOKEN, Event.CLOSE), State.CLOSED),
        ((Event.CLOSE,), State.CLOSED),
    ],
)
def test_connection_follows_the_table(events, state):
    connection = new_connection()
    for event in events:
        connection._transition(event)
    assert connection.state is state


@pytest.mark.parametrize(
    "events",
    [
        (Event.WELCOME,),
        (Event.VERIFIED,),
        (Event.TOKEN, Event.TOKEN),
        (Event.TOKEN, Event.VERIFIED),
        (Event.TOKEN, Event.WELCOME, Event.TOKEN),
        *((Event.CLOSE, event) for event in (Event.TOKEN, Event.WELCOME, Event.CLOSE)),
    ],
)
def test_connection_rejects_what_the_table_does_not_list(events):
    connection = new_connection()
    for event in events[:-1]:
        connection._transition(event)
    with pytest.raises(GatewayError, match=events[-1].name):
        connection._transition(events[-1])


def test_every_state_is_reached_and_only_the_last_one_has_no_way_out():
    reached = {state for follow in TRANSITIONS.values() for state in follow.values()} | {INITIAL}
    final = {state for state, follow in TRANSITIONS.items() if set(follow.values()) <= {state}}
    assert reached == set(TRANSITIONS) == set(State)
    assert final == {State.CLOSED}


ALICE = Identity("sid", "7", ("user:7",), None)


def live_connection():
    connection = new_connection()
    connection.start_check()
    connection.welcome(ALICE, b"welcome")
    connection.resume()
    return connection


def test_every_state_of_the_token_is_reached_and_has_a_way_out():
    followers = [set(follow.values()) for follow in TOKEN_TRANSITIONS.values()]
    assert set.union({TOKEN_INITIAL}, *followers) == set(TOKEN_TRANSITIONS) == set(TokenState)
    for state, follow in TOKEN_TRANSITIONS.items():
        assert set(follow.values()) - {state}


def test_connection_has_no_identity_before_the_welcome():
    connection = new_connection()
    assert connection.lacks_identity
    assert connection.identity is None


def test_required_token_takes_the_identity_until_the_next_one():
    connection = live_connection()
    assert not connection.lacks_identity
    connection.require_token()
    assert connection.lacks_identity
    assert connection.identity is None
    assert connection.accepts_requests
    connection.set_identity(ALICE)
    assert not connection.lacks_identity


def test_requests_wait_while_a_token_is_being_verified():
    connection = live_connection()
    woken = []
    connection.begin_refresh()
    connection.wait(lambda: woken.append(connection.accepts_requests))
    assert not connection.accepts_requests
    connection.doubt()
    connection.resume()
    assert woken == [False]
    assert not connection.accepts_requests
    connection.end_refresh()
    assert connection.accepts_requests


@pytest.mark.parametrize("is_required_first", [True, False])
def test_rejected_token_gives_no_identity(is_required_first):
    connection = live_connection()
    steps = [connection.require_token, connection.begin_refresh]
    for step in steps if is_required_first else reversed(steps):
        step()
    connection.end_refresh()
    assert connection.token_state is TokenState.AWAITED
    assert connection.identity is None


@pytest.mark.parametrize("event", [TokenEvent.REQUEST, TokenEvent.ANSWER])
def test_token_rejects_what_the_table_does_not_list(event):
    connection = new_connection()
    with pytest.raises(GatewayError, match=event.name):
        connection._token_transition(event)


def test_second_refresh_cannot_begin_before_the_end_of_the_first():
    connection = live_connection()
    connection.begin_refresh()
    with pytest.raises(GatewayError, match="REFRESH"):
        connection.begin_refresh()
