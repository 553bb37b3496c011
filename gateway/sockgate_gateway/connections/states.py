"""The states of a connection, and what follows each event, as a table.

``docs/states.md`` shows the table as a drawing.
"""

from enum import Enum


class State(Enum):
    """How far a connection is."""

    __hash__ = object.__hash__  # That of Enum costs 0.2 µs more.

    WAITING = "waiting"
    """The client has not sent ``connect``."""

    CHECKING = "checking"
    """The client has sent a token; its session is being read, then its channels are subscribed."""

    SUSPENDED = "suspended"
    """``connected`` was sent, and the session must be read (again): frames and requests wait."""

    LIVE = "live"
    """Publications are delivered, and requests are answered."""

    CLOSED = "closed"
    """The transport was closed, or is about to be."""


class Event(Enum):
    """What changes the state of a connection."""

    __hash__ = object.__hash__  # That of Enum costs 0.2 µs more.

    TOKEN = "token"
    """The client sent ``connect`` with a token whose signature is valid."""

    WELCOME = "welcome"
    """``connected`` was sent."""

    DOUBT = "doubt"
    """The session may have changed, or the link to Redis was lost."""

    VERIFIED = "verified"
    """Session, rights and grants were read after the last doubt, and allow the connection."""

    CLOSE = "close"
    """The gateway closes the connection, or the client has left."""


TRANSITIONS: dict[State, dict[Event, State]] = {
    State.WAITING: {
        Event.TOKEN: State.CHECKING,
        Event.DOUBT: State.WAITING,
        Event.CLOSE: State.CLOSED,
    },
    State.CHECKING: {
        Event.WELCOME: State.SUSPENDED,
        Event.DOUBT: State.CHECKING,
        Event.CLOSE: State.CLOSED,
    },
    State.SUSPENDED: {
        Event.DOUBT: State.SUSPENDED,
        Event.VERIFIED: State.LIVE,
        Event.CLOSE: State.CLOSED,
    },
    State.LIVE: {
        Event.DOUBT: State.SUSPENDED,
        Event.CLOSE: State.CLOSED,
    },
    State.CLOSED: {
        Event.DOUBT: State.CLOSED,
    },
}
"""What follows in each state. An event that a state does not list cannot happen in it."""

INITIAL = State.WAITING
