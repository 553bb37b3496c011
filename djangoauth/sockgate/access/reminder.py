"""A reminder of a wrong setting that goes to the log once a minute."""

from collections.abc import Callable
from time import monotonic

INTERVAL_S = 60.0


class Reminder:
    """Say whether a reminder is due.

    Two threads may log it at the same moment; more than that is not worth a lock.

    Args:
        clock: returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._due_at = float("-inf")

    def is_due(self) -> bool:
        """Return whether the reminder is due, and count it as given if it is."""
        now = self._clock()
        if now < self._due_at:
            return False
        self._due_at = now + INTERVAL_S
        return True


AUTHORIZE_REMINDER = Reminder()
"""``SOCKGATE["AUTHORIZE"]`` is not set, and a page has requested a grant."""
