"""The table of a connection's states."""

import pytest
from sockgate_gateway.connections.states import INITIAL, TRANSITIONS, Event, State
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
