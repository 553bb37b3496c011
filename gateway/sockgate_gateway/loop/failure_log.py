"""Log a repeated failure when it begins, and again when its cause changes.

A loop that retries several times a second must neither fill the log nor hide a new cause. Redis may
be unreachable at first, then refuse the password, then load its data.
"""

import logging
from collections import Counter
from collections.abc import Callable
from time import monotonic

MIN_INTERVAL_S = 1.0
REMINDER_S = 60.0
MAX_CAUSE = 400

FAILED: Counter[str] = Counter()
"""How often each kind of failure has occurred in this process."""


class FailureLog:
    """Log one kind of failure, each cause at most once a second.

    Args:
        log: the logger.
        event: the name of the failure, for example ``link_lost``.
        clock: returns monotonic seconds.
    """

    def __init__(
        self, log: logging.Logger, event: str, clock: Callable[[], float] = monotonic
    ) -> None:
        self._log = log
        self._event = event
        self._clock = clock
        self._logged_at: dict[str, float] = {}
        self._latest: str | None = None

    @property
    def latest(self) -> str:
        """The cause that was logged last; empty: the failure is over."""
        return self._latest or ""

    def failed(self, error: BaseException, fields: str = "", *values: object) -> None:
        """Count a failure; log it as a warning if its cause is new, else at debug level.

        A cause is new when it differs from the last logged one, and once a minute.

        Args:
            error: its text is the cause.
            fields: further ones of the line, before the cause, for example ``channels=%d``.
            values: of these fields.
        """
        FAILED[self._event] += 1
        cause = (str(error) or type(error).__name__)[:MAX_CAUSE]
        level = logging.WARNING if self._is_new(cause) else logging.DEBUG
        form = f"event={self._event} {fields}{' ' if fields else ''}cause=%r"
        self._log.log(level, form, *values, cause)

    def succeeded(self) -> None:
        """Note that the failure is over; the next failure is new, whatever its cause."""
        self._latest = None

    def _is_new(self, cause: str) -> bool:
        now = self._clock()
        self._logged_at = {c: at for c, at in self._logged_at.items() if now - at < REMINDER_S}
        since_logged_s = now - self._logged_at.get(cause, -REMINDER_S)
        is_same = cause == self._latest
        if since_logged_s < (REMINDER_S if is_same else MIN_INTERVAL_S):
            return False
        self._logged_at[cause] = now
        self._latest = cause
        return True
