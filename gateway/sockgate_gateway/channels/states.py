"""The states of a channel in a worker, and what follows each event, as a table.

``docs/states.md`` shows the table as a drawing; ``python docs/states.py`` draws it again.
"""

from enum import Enum


class State(Enum):
    """Whether a channel delivers publications, or keeps them until its history was read."""

    __hash__ = object.__hash__  # That of Enum costs 0.2 µs more.

    LIVE = "live"
    """Publications are delivered as they arrive. In all other states they are pending."""

    BEHIND = "behind"
    """The history must be read. What is missing is in the history."""

    READING = "reading"
    """The history was requested."""

    LOST = "lost"
    """The history must be read. Plain publications may be missing, which are in no history."""

    READING_LOST = "reading after a loss"
    """The history was requested, and plain publications may be missing."""


class Event(Enum):
    """What changes the state of a channel."""

    __hash__ = object.__hash__  # That of Enum costs 0.2 µs more.

    HISTORY_NEEDED = "history needed"
    """A pending subscription needs the history."""

    HOLE = "hole"
    """A sequenced publication does not follow the last one."""

    LOSS = "loss"
    """The link to Redis was lost, or more was pending than ``max_outbox`` allows."""

    RECOVERY_SWITCHED = "recovery switched"
    """The namespace's policy now has ``recover``, or has it no more."""

    REQUESTED = "requested"
    """The history is being read from now on."""

    REPLIED = "replied"
    """The history was read and applied."""

    UNAVAILABLE = "unavailable"
    """The history cannot be read now."""

    RESUMED = "resumed"
    """The history cannot be read now, and nothing is missing."""


TRANSITIONS: dict[State, dict[Event, State]] = {
    State.LIVE: {
        Event.HISTORY_NEEDED: State.BEHIND,
        Event.HOLE: State.BEHIND,
        Event.LOSS: State.LOST,
        Event.RECOVERY_SWITCHED: State.BEHIND,
        Event.UNAVAILABLE: State.LIVE,
    },
    State.BEHIND: {
        Event.HISTORY_NEEDED: State.BEHIND,
        Event.LOSS: State.LOST,
        Event.RECOVERY_SWITCHED: State.BEHIND,
        Event.REQUESTED: State.READING,
        Event.UNAVAILABLE: State.BEHIND,
        Event.RESUMED: State.LIVE,
    },
    State.READING: {
        Event.HISTORY_NEEDED: State.READING,
        Event.LOSS: State.LOST,
        Event.RECOVERY_SWITCHED: State.BEHIND,
        Event.REPLIED: State.LIVE,
        Event.UNAVAILABLE: State.BEHIND,
    },
    State.LOST: {
        Event.HISTORY_NEEDED: State.LOST,
        Event.LOSS: State.LOST,
        Event.RECOVERY_SWITCHED: State.LOST,
        Event.REQUESTED: State.READING_LOST,
        Event.UNAVAILABLE: State.LOST,
    },
    State.READING_LOST: {
        Event.HISTORY_NEEDED: State.READING_LOST,
        Event.LOSS: State.LOST,
        Event.RECOVERY_SWITCHED: State.LOST,
        Event.REPLIED: State.LIVE,
        Event.UNAVAILABLE: State.LOST,
    },
}
"""What follows in each state. An event that a state does not list cannot happen in it."""

INITIAL = State.BEHIND
AWAITS_REPLY = frozenset({State.READING, State.READING_LOST})
MAY_LACK_PLAIN = frozenset({State.LOST, State.READING_LOST})
