"""Positions that live on while a connection is subscribed.

Redis keeps the position of a channel for a day where only clients have named the channel and
nothing was published. A page may stay longer, and must not receive ``gap`` with the first
publication because of that.
"""

import asyncio
import logging

from ..errors import BrokerUnavailable
from ..loop.failure_log import FailureLog
from ..wire.namespaces import NAMED_BY_CLIENTS_TTL_S
from .hub import Hub
from .recovery import MAX_BATCH, History

log = logging.getLogger("sockgate.hub")

INTERVAL_S = NAMED_BY_CLIENTS_TTL_S / 4
RETRY_S = 60.0


class PositionRenewal:
    """Let the positions of silent channels live on.

    Args:
        hub: knows them.
        history: renews a position that it reads.
    """

    def __init__(self, hub: Hub, history: History) -> None:
        self._hub = hub
        self._history = history
        self._failures = FailureLog(log, "positions_not_renewed")

    async def run(self) -> None:
        """Renew until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            while not await self._is_renewed():
                await asyncio.sleep(RETRY_S)

    async def renew(self) -> None:
        """Renew all once.

        Raises:
            BrokerUnavailable: Redis is not available.
        """
        requests = self._hub.renewals()
        for start in range(0, len(requests), MAX_BATCH):
            await self._history.read_many(requests[start : start + MAX_BATCH])

    async def _is_renewed(self) -> bool:
        try:
            await self.renew()
        except BrokerUnavailable as error:
            self._failures.failed(error)
            return False
        self._failures.succeeded()
        return True
