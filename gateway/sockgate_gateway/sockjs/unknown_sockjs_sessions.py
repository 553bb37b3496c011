"""A count of requests for SockJS sessions that are not open here.

Behind a balancer that spreads the requests of one session over several gateways, a session opens
at one of them and its messages reach another, which answers 404. The client only fails. So the
gateway counts these requests, and logs how to configure the balancer.
"""

import logging
from collections import Counter

from ..loop.timer_wheel import TimerWheel
from ..wire.documentation import address_of

log = logging.getLogger("sockgate.access")

REMEMBERED = 10_000
"""So many ended sessions are distinguished from foreign ones: about 1 MB."""

LOG_INTERVAL_S = 60.0

EXPIRED, FOREIGN = "expired", "foreign"

HINT = (
    "SockJS sessions of another gateway, or of this one before its restart: with several gateways "
    "let the balancer hash the session id in the path, see " + address_of("deploy.md#several-hosts")
)


class UnknownSockJSSessions:
    """Count requests for SockJS sessions that are not open; log foreign ones once a minute.

    Args:
        wheel: runs the timer of the next log line.

    ``counts`` holds the number of requests by cause, for the metrics.
    """

    def __init__(self, wheel: TimerWheel) -> None:
        self.counts: Counter[str] = Counter()
        self._wheel = wheel
        self._ended: dict[int, None] = {}
        self._unlogged = 0
        self._is_waiting = False

    def add_ended(self, session_id: str) -> None:
        """Remember an ended session of this gateway; drop the oldest when there are too many."""
        self._ended[hash(session_id)] = None
        if len(self._ended) > REMEMBERED:
            del self._ended[next(iter(self._ended))]

    def count(self, session_id: str) -> None:
        """Count a request for a session that is not open."""
        if hash(session_id) in self._ended:
            self.counts[EXPIRED] += 1
            return
        self.counts[FOREIGN] += 1
        self._unlogged += 1
        if not self._is_waiting:
            self._log()

    def on_timer(self, now: float) -> None:
        """Log what was counted since the last line."""
        self._is_waiting = False
        if self._unlogged:
            self._log()

    def _log(self) -> None:
        log.warning("event=foreign_sessions requests=%d hint=%r", self._unlogged, HINT)
        self._unlogged = 0
        self._is_waiting = True
        self._wheel.schedule(self, LOG_INTERVAL_S)
