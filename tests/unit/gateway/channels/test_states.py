"""The table of a channel's states is complete, and the documentation shows it."""

import pytest
from sockgate_gateway.channels.states import (
    AWAITS_REPLY,
    INITIAL,
    MAY_LACK_PLAIN,
    TRANSITIONS,
    Event,
    State,
)

from docs.states import PAGE, fill_in


def test_page_shows_the_table():
    page = PAGE.read_text()
    assert fill_in(page) == page, "run python docs/states.py"


def test_page_names_every_state_and_event():
    page = PAGE.read_text()
    for state in State:
        assert f"| `{state.name.lower()}` |" in page
    for event in Event:
        assert f"| `{event.value}` |" in page


def test_every_state_is_reached_and_left():
    reached, more = {INITIAL}, {INITIAL}
    while more:
        more = {after for state in more for after in TRANSITIONS[state].values()} - reached
        reached |= more
    assert reached == set(State) == TRANSITIONS.keys()
    assert all(set(following.values()) - {state} for state, following in TRANSITIONS.items())


@pytest.mark.parametrize("state", State)
def test_lost_link_is_handled_in_every_state_and_outdates_a_reply(state):
    after = TRANSITIONS[state][Event.LOSS]
    assert after in MAY_LACK_PLAIN
    assert after not in AWAITS_REPLY


@pytest.mark.parametrize("state", State)
def test_reply_is_expected_only_while_it_is_read(state):
    assert (Event.REPLIED in TRANSITIONS[state]) is (state in AWAITS_REPLY)


@pytest.mark.parametrize("state", State)
def test_only_a_reply_ends_a_loss(state):
    for event, after in TRANSITIONS[state].items():
        if state in MAY_LACK_PLAIN and event is not Event.REPLIED:
            assert after in MAY_LACK_PLAIN
