"""Sockgate without one technique, to measure its gain."""

from ..places import PROGRAMS
from .sockgate import Sockgate

TECHNIQUES = {
    "draining": "all replies in one read of Redis are handled at once, and leave in one write",
    "shared_encoding": "one encoding for all recipients of a publication",
    "direct_write": "straight to the socket",
    "shortcut": "a plain WebSocket handshake needs no code of Tornado",
    "own_epoll": "one epoll of our own for all WebSockets",
    "timer_wheel": "one timer for all connections",
    "batched_checks": "sessions are checked in batches",
    "hiredis_packing": "commands to Redis are packed by hiredis",
    "tuned_collector": "the cyclic garbage collector runs rarely",
}
"""Techniques that can be removed at one place."""


class Without(Sockgate):
    """The gateway without one technique."""

    def __init__(self, technique: str) -> None:
        super().__init__()
        self.technique = technique
        self.name = f"without {technique}"  # type: ignore[misc]

    def command(self) -> list[str]:
        """Return the command line."""
        return [self.python, str(PROGRAMS / "without.py"), self.technique]


ABLATED = (Sockgate(), *(Without(technique) for technique in TECHNIQUES))
