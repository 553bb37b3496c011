"""The states of a connection, and their deadlines. ``connection.py`` has the table of actions."""

from enum import Enum, auto

from ..events import State


class Phase(Enum):
    """What a connection does at the moment."""

    CLOSED = auto()
    FETCHING = auto()
    OPENING = auto()
    GREETING = auto()
    CONNECTED = auto()
    INTERRUPTED = auto()
    WAITING = auto()


class Change(Enum):
    """What can happen to a connection."""

    CONNECT = auto()
    CLOSE = auto()
    TOKEN = auto()
    FAILED = auto()
    OPENED = auto()
    ACCEPTED = auto()
    INTERRUPTED = auto()
    RESUMED = auto()
    REFRESH = auto()
    DRAINED = auto()
    LOST = auto()
    FLOODED = auto()
    """The caller has not read the events in time."""
    TIMEOUT = auto()


PUBLIC_STATES = {
    Phase.CLOSED: State.CLOSED,
    Phase.FETCHING: State.CONNECTING,
    Phase.OPENING: State.CONNECTING,
    Phase.GREETING: State.CONNECTING,
    Phase.CONNECTED: State.CONNECTED,
    Phase.INTERRUPTED: State.INTERRUPTED,
    Phase.WAITING: State.WAITING,
}

DEADLINES_S = {Phase.FETCHING: 20.0, Phase.OPENING: 20.0, Phase.GREETING: 15.0}
"""Those of the other phases are computed on entering them."""

SILENT_HEARTBEATS = 2.5
"""Heartbeats may be late: a connection counts as dead after so many intervals."""

DEFAULT_HEARTBEAT_S = 25.0
"""Default of SOCKGATE_HEARTBEAT, for a gateway whose ``connected`` frame has no ``heartbeat``."""

LONGEST_REFRESH_WAIT_S = 1.0
"""The gateway waits 10 s for the token that it has requested."""

LONGEST_HEARTBEAT_S = 24 * 3600.0
LONGEST_DRAIN_S = 24 * 3600.0
"""A longer time in a frame is a mistake; a timer cannot be set to just any number of JSON."""
