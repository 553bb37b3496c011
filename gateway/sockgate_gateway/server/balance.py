"""Send clients of a worker that holds far more than its share elsewhere, a few each second.

Strategy: heartbeats say how many connections each live worker has. After a host was lost and came
back, its workers have few, and no client has a reason to leave the others. A worker that holds more
than ``ratio`` times the average then sends its oldest connections away, with the code of the drain,
until it holds less. Those that it had before the other host was lost are about as many as the
average: no others are sent away, so nobody moves twice for one restart. Where the clients come back
here, because a balancer sends them nowhere else, the worker stops soon.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from weakref import ReferenceType, ref

from ..connections.connection import Connection
from ..connections.registry import Registry
from ..sessions.lifecycle import Lifecycle
from ..wire.closecodes import CloseCode

log = logging.getLogger("sockgate.access")

ROUND_S = 1.0
SETTLE_S = 30.0
"""How long an imbalance lasts before it begins: workers that restart fill again by themselves."""

FLOOR = 50
"""A worker with so few connections keeps them."""

EACH_ROUND = 1 / 200
"""Of the connections: 4 of 970 each second."""

MAX_EACH_ROUND = 50
TRIAL = 20
"""After so many it is judged whether fewer connections are left."""

MIN_EFFECT = 0.25
PAUSE_S = 1800.0
MAX_PAUSE_S = 24 * 3600.0


class Balancer:
    """Balance the connections of one worker.

    Args:
        registry: has its connections.
        lifecycle: closes them.
        others: returns the connections of each other live worker; empty: there are none, or one
            does not say how many it has.
        clock: returns monotonic seconds.
        ratio: of the average, above which clients are sent away; 0: never.

    ``sent`` counts the clients that were sent away.
    """

    def __init__(
        self,
        registry: Registry,
        lifecycle: Lifecycle,
        others: Callable[[], Mapping[str, int]],
        clock: Callable[[], float],
        ratio: float,
    ) -> None:
        self._registry = registry
        self._lifecycle = lifecycle
        self._others = others
        self._clock = clock
        self._ratio = ratio
        self._candidates: deque[ReferenceType[Connection]] | None = None
        self._count_before = self._sent_before = 0
        self._resume_at = 0.0
        self._too_many_since = clock()
        self._pause_s = PAUSE_S
        self.sent = 0

    async def run(self) -> None:
        """Balance until cancelled."""
        while self._ratio:
            await asyncio.sleep(ROUND_S)
            self.balance()

    def balance(self) -> None:
        """Send a few clients away, if this worker holds too many."""
        count, average = len(self._registry.connections), self._average()
        is_too_many = bool(self._ratio) and count > max(self._ratio * average, FLOOR)
        now = self._clock()
        if not is_too_many or self._lifecycle.is_draining or now < self._resume_at:
            self._candidates, self._too_many_since = None, now
            return
        if now - self._too_many_since < SETTLE_S:
            return
        if self._candidates is None:
            self._begin(count, average)
        surplus = count - self._ratio * average
        each_round = min(max(count * EACH_ROUND, 1), MAX_EACH_ROUND, max(surplus, 1))
        self._send_away(int(each_round))
        self._judge()

    def _average(self) -> float:
        others = self._others()
        count = len(self._registry.connections)
        return (count + sum(others.values())) / (1 + len(others))

    def _begin(self, count: int, average: float) -> None:
        connections = list(self._registry.connections)[: int(average)]
        self._candidates = deque(map(ref, connections))
        self._count_before, self._sent_before = count, self.sent
        log.info("event=balancing connections=%d average=%d", count, average)

    def _send_away(self, limit: int) -> None:
        """Close connections with nothing unsent; one that is busy is not asked again."""
        while limit and self._candidates:
            connection = self._candidates.popleft()()
            if connection is None or not connection.accepts_requests:
                continue
            if not connection.transport.has_unsent:
                self._lifecycle.close(connection, CloseCode.DRAIN, "other workers have room")
                self.sent += 1
                limit -= 1

    def _judge(self) -> None:
        sent = self.sent - self._sent_before
        left = self._count_before - len(self._registry.connections)
        is_in_vain = sent >= TRIAL and left < MIN_EFFECT * sent
        if self._candidates and not is_in_vain:
            return
        log.info("event=balance_ended sent=%d left=%d in_vain=%s", sent, left, is_in_vain)
        self._resume_at = self._clock() + self._pause_s
        self._pause_s = min(2 * self._pause_s, MAX_PAUSE_S) if is_in_vain else PAUSE_S
