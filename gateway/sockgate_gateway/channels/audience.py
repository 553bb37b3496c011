"""How many pages receive the same, and within which time they should act. Pure.

Pages ask Django for something when a channel was touched, when something may be missing, and when a
right was taken away. What many of them receive at once must not make them ask at once. So each
such frame says how many they are, and the time over which they shall spread.

Strategy: where one event concerns many, their number is known. Where pages receive it one by one (a
crowd that returns after a restart, rights that are revoked for many), it is not known how many will
follow. A level, which falls as fast as pages may ask, rises with each. Those that come later are
given far more time than the level needs, because the random moments of the earlier ones lie in it,
too. Those whose rights end are at most all that are connected.
"""

import logging
from collections import Counter
from collections.abc import Callable
from math import ceil
from time import monotonic

from ..connections.journal import Journal
from ..histogram import COUNTS, Histogram
from ..loop.hint_log import HintLog
from ..wire.contract import Position
from ..wire.names import owner_of
from ..wire.protocol import Crowd
from .pending_subscriptions import PendingSubscription
from .presence_counts import PresenceCounts

log = logging.getLogger("sockgate.hub")

MAX_WITHIN_S = 120
LEAST_WITHIN_S = 3
"""Where many are concerned: with a tenth of a second for each of the first 30."""

_SPREAD = 20
"""12,000 pages at once ask 1.3 times as often as they may, and 2.2 times with 4."""

_HINT = (
    "two publications have one position: an account that may PUBLISH has forged it, "
    "or Redis has assigned it again after a failover"
)


class Audience:
    """State audiences of one worker.

    Args:
        counts: know the connections of this worker, and how many workers there are.
        rate: how many requests a second all pages may make together.
        journal: remembers gaps.
        clock: returns seconds.

    ``gaps`` counts connections that received ``gap``, by cause. ``recovered``: how many
    publications of the past a connection received with its subscription.
    """

    def __init__(
        self,
        counts: PresenceCounts,
        rate: float,
        journal: Journal,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.gaps: Counter[str] = Counter()
        self.recovered = Histogram(COUNTS)
        self._counts = counts
        self._rate = rate
        self.journal = journal
        self._clock = clock
        self._level = 0.0
        self._raised_at = 0.0
        self._last = ""
        self._repeated = HintLog(log, "position_repeated", clock)

    def of(self, connections: int) -> int:
        """Return the audience of what ``connections`` of this worker receive."""
        return connections * self._counts.workers

    def count_gaps(
        self,
        channel: str,
        cause: str,
        connections: int,
        before: Position | None,
        after: Position | None,
    ) -> None:
        """Count a gap that all ``connections`` of a channel receive.

        Args:
            channel: its name.
            cause: of the gap.
            connections: how many receive it.
            before: up to where they had received the channel.
            after: from where they go on.
        """
        self.gaps[cause] += connections
        self.journal.missed_by_all(channel, cause, connections, before, after)
        if cause == "repeated" and self._repeated.is_due(channel, owner_of(channel)):
            self._repeated.warn("channel=%s connections=%d", channel, connections, hint=_HINT)

    def count_gap(
        self, subscription: PendingSubscription, cause: str, after: Position | None
    ) -> None:
        """Count a gap that one connection receives with its subscription."""
        self.gaps[cause] += 1
        self.journal.missed(
            subscription.connection, subscription.channel, cause, subscription.since, after
        )

    def of_gap(self, connections: int, *, is_of_all: bool) -> Crowd:
        """Return the fields of a gap.

        Args:
            connections: receive it from this worker.
            is_of_all: all connections of all workers have one, on their channels.
        """
        return self._fields(self._everybody() if is_of_all else self.of(connections))

    def of_arrival(self, connection_id: str) -> Crowd:
        """Return the fields of a frame that this connection receives, and others perhaps soon."""
        return self._fields(self._raise(connection_id))

    def of_revocation(self, connection_id: str) -> Crowd:
        """Return the fields of a frame about a right that was taken from this connection."""
        return self._fields(min(self._raise(connection_id), max(self._everybody(), 1)))

    def _everybody(self) -> int:
        return self._counts.connections + self._counts.connections_elsewhere

    def _raise(self, connection_id: str) -> int:
        """Raise the level, once for what one connection receives at once; return the audience."""
        now, workers = self._clock(), self._counts.workers
        fallen = (now - self._raised_at) * self._rate / workers
        self._level, self._raised_at = max(self._level - fallen, 0.0), now
        if connection_id != self._last or self._level < 1:
            self._level += 1
            self._last = connection_id
        return 1 if self._level < 2 else ceil(self._level * workers) * _SPREAD

    def _fields(self, audience: int) -> Crowd:
        return {"audience": audience, "within": self._within_s(audience)}

    def _within_s(self, audience: int) -> float:
        if audience <= 1:
            return 0
        wanted = max(audience / self._rate, min(LEAST_WITHIN_S, audience / 10))
        return round(min(wanted, MAX_WITHIN_S), 2)
