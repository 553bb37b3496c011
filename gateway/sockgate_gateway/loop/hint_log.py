"""Log hints about a wrong configuration, each once a minute.

What is logged comes from outside: origins, paths, tokens. So a value is escaped and cut, and only
``MAX_SUBJECTS`` different ones of one owner, an address or a namespace, are remembered and logged
in a minute. So nobody keeps the hints of others out of the log.
"""

import logging
from collections.abc import Callable
from time import monotonic

INTERVAL_S = 60.0
MAX_SUBJECTS = 10
MAX_LINES = 200
"""Of one kind of hint in a minute, for all owners together: it bounds the memory."""

MAX_LENGTH = 200


def cut(text: str) -> str:
    """Return the beginning of a text from outside, for a field that is written with ``%a``."""
    return text[:MAX_LENGTH]


class HintLog:
    """Log one kind of hint, for each subject at most once a minute.

    Args:
        log: the logger.
        event: the name of the hint, for example ``origin_refused``.
        clock: returns monotonic seconds.
    """

    def __init__(
        self, log: logging.Logger, event: str, clock: Callable[[], float] = monotonic
    ) -> None:
        self._log = log
        self._event = event
        self._clock = clock
        self._logged_at: dict[tuple[str, str], float] = {}

    def is_due(self, subject: str, owner: str) -> bool:
        """Return whether a hint is due, and count it as logged if it is.

        It is not when this one, or many others of the owner, were logged in the last minute.

        Args:
            subject: what the hint is about, for example an origin.
            owner: whoever can make up subjects: an address, a user, a namespace of channels.
        """
        now = self._clock()
        self._logged_at = {s: at for s, at in self._logged_at.items() if now - at < INTERVAL_S}
        if (owner, subject) in self._logged_at or len(self._logged_at) >= MAX_LINES:
            return False
        if sum(owner == other for other, _ in self._logged_at) >= MAX_SUBJECTS:
            return False
        self._logged_at[owner, subject] = now
        return True

    def warn(self, fields: str, *values: object, hint: str) -> None:
        """Log a hint that is due.

        Args:
            fields: of the line, for example ``origin=%a``.
            values: of these fields.
            hint: what to change; it names the setting.
        """
        self._log.warning(f"event={self._event} {fields} hint=%a", *values, hint)
