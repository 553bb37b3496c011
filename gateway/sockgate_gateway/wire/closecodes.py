"""Close codes: the one table that decides whether a client reconnects.

3000-3499 and 4000-4499 mean "reconnect", 3500-3999 and 4500-4999 mean "do not". 4400-4499 mean
that the token was rejected. The client then fetches a fresh token, once, and reconnects; where the
reason says when to come back, it goes on to do so. Codes
below 3000 belong to RFC 6455 section 7.4.1. A client reconnects after those that mean an accident.
A reason that ends with ``in <n> s`` says when.
"""

import re
from enum import IntEnum


class CloseCode(IntEnum):
    """Why the gateway closed a connection. The client receives no more than ``reason``.

    ``come_back`` is what docs/protocol.md says to clients.
    """

    GOING_AWAY = 3000, "going away", "yes"
    DRAIN = 3001, "server is restarting", "yes, soon"
    OVERLOADED = 3002, "too many connections, try again later", "yes, slowly"
    UNAVAILABLE = 3003, "sessions cannot be checked now, try again later", "yes, slowly"
    SLOW_CONSUMER = 3004, "messages were not read in time", "yes"
    CONNECT_TIMEOUT = 3005, "no connect frame in time", "yes"
    INTERNAL_ERROR = 3006, "internal error", "yes"
    HEARTBEAT_TIMEOUT = 3007, "no sign of life", "yes"
    TOKEN_INVALID = 4400, "token refused", "with a fresh token"
    TOKEN_EXPIRED = 4401, "token expired", "with a fresh token"
    SESSION_UNKNOWN = 4402, "session is not valid", "with a fresh token"
    SESSION_ENDED = 4500, "session ended", "no"
    PROTOCOL_ERROR = 4501, "protocol error", "no"
    MESSAGE_TOO_LARGE = 4502, "message too large", "no"
    TOO_MANY_CONNECTIONS = 4503, "too many connections of this user", "no"
    FLOOD = 4504, "too many messages", "no"

    reason: str
    come_back: str

    def __new__(cls, code: int, reason: str, come_back: str) -> "CloseCode":
        """Create a member with its texts."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.reason, member.come_back = reason, come_back
        return member


COME_BACK_SPREAD = 0.25
"""A client that learns when to come back waits up to a quarter longer, at random."""

_COME_BACK = re.compile(r" in ([0-9]{1,4}) s$", re.ASCII)
_ACCIDENTS = frozenset({1001, 1005, 1006, 1011, 1012, 1013, 1014})


def come_back_in(seconds: int, why: str = "busy") -> str:
    """Return the reason of a close that says when to come back; clients read its end."""
    return f"{why}, come back in {seconds} s"


def read_come_back_s(reason: str) -> int | None:
    """Return after how many seconds a reason says to come back; None: it does not say."""
    found = _COME_BACK.search(reason)
    return int(found[1]) if found else None


def may_reconnect(code: int) -> bool:
    """Return whether a client reconnects after this close code."""
    return code in _ACCIDENTS or 3000 <= code <= 3499 or 4000 <= code <= 4499


def needs_fresh_token(code: int) -> bool:
    """Return whether the client needs a fresh token to reconnect."""
    return 4400 <= code <= 4499
