"""Origins that were refused, for whoever set this gateway up and forgot one.

A browser shows its page nothing of a refusal but "cannot connect". Each origin is told once, and
only so many: who else opens foreign pages shall not fill the log.
"""

import logging

from ..origins import normalize

log = logging.getLogger("gateway.access")

MAX_TOLD = 50
MAX_LENGTH = 200


class Refusals:
    """Remembers what has been told."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, claimed: str | None) -> None:
        """Log an origin that was refused.

        Args:
            claimed: an ``Origin`` or ``Referer`` header; of the latter, no path is logged.
        """
        try:
            origin = normalize(claimed or "")[:MAX_LENGTH]
        except ValueError:
            return
        if origin not in self._told and len(self._told) < MAX_TOLD:
            self._told.add(origin)
            log.warning("event=origin_refused origin=%r hint='not in SOCKGATE_ORIGINS'", origin)
