"""The states of a connection and of its token, and what follows each event, as two tables.

The two change independently: a new token is requested and verified while a connection is live or
suspended. ``docs/states.md`` shows the tables
as drawings.
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


class TokenState(Enum):
    """Whether a connection has an identity, and whether a new token is being verified."""

    __hash__ = object.__hash__  # That of Enum costs 0.2 µs more.

    AWAITED = "awaited"
    """The connection has no identity: the client must show a token, with ``connect`` or
    ``refresh``."""

    ACCEPTED = "accepted"
    """The connection has the identity that its session gave when it was read last."""

    VERIFYING = "verifying"
    """The client has sent ``refresh``; until the answer, the identity stays, and requests wait."""

    VERIFYING_AWAITED = "verifying awaited"
    """The client has sent ``refresh``, and the connection has no identity. Requests wait."""


class TokenEvent(Enum):
    """What changes the state of a connection's token."""

    __hash__ = object.__hash__  # That of Enum costs 0.2 µs more.

    IDENTITY = "identity"
    """The session was read, and gave an identity."""

    REQUEST = "request"
    """The session is another user's now, so the gateway requests a token."""

    REFRESH = "refresh"
    """The client sent ``refresh``."""

    ANSWER = "answer"
    """The new token was verified or rejected, or Redis did not answer."""


TOKEN_TRANSITIONS: dict[TokenState, dict[TokenEvent, TokenState]] = {
    TokenState.AWAITED: {
        TokenEvent.IDENTITY: TokenState.ACCEPTED,
        TokenEvent.REFRESH: TokenState.VERIFYING_AWAITED,
    },
    TokenState.ACCEPTED: {
        TokenEvent.IDENTITY: TokenState.ACCEPTED,
        TokenEvent.REQUEST: TokenState.AWAITED,
        TokenEvent.REFRESH: TokenState.VERIFYING,
    },
    TokenState.VERIFYING: {
        TokenEvent.IDENTITY: TokenState.VERIFYING,
        TokenEvent.REQUEST: TokenState.VERIFYING_AWAITED,
        TokenEvent.ANSWER: TokenState.ACCEPTED,
    },
    TokenState.VERIFYING_AWAITED: {
        TokenEvent.IDENTITY: TokenState.VERIFYING,
        TokenEvent.ANSWER: TokenState.AWAITED,
    },
}
"""What follows in each state. An event that a state does not list cannot happen in it."""

TOKEN_INITIAL = TokenState.AWAITED

LACKS_IDENTITY = frozenset({TokenState.AWAITED, TokenState.VERIFYING_AWAITED})
IS_VERIFYING = frozenset({TokenState.VERIFYING, TokenState.VERIFYING_AWAITED})
