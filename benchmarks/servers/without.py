"""Sockgate with one technique taken out, to show what each one brings."""

from ..places import PROGRAMS
from .sockgate import Sockgate

TECHNIQUES = {
    "draining": "one read of Redis is drained at once, and leaves in one write",
    "shared_encoding": "one encoding for all who get the same",
    "direct_write": "straight to the socket",
    "shortcut": "a WebSocket that is plainly asked for needs nothing of Tornado",
    "batched_checks": "sessions are checked in batches",
    "tuned_collector": "the cyclic collector looks rarely",
}
"""Those that one seam holds, so that they can be taken out."""


class Without(Sockgate):
    """The product less one technique."""

    def __init__(self, technique: str) -> None:
        super().__init__()
        self.technique = technique
        self.name = f"without {technique}"  # type: ignore[misc]

    def command(self) -> list[str]:
        """Give what runs it."""
        return [self.python, str(PROGRAMS / "without.py"), self.technique]


ABLATED = (Sockgate(), *(Without(technique) for technique in TECHNIQUES))
