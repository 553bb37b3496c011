"""The reading of policies: at the start, when Django changes them, and periodically.

A control message about policies may have been lost, so they are read again at every audit.
"""

import asyncio

from ..loop.background import BackgroundTasks
from .hub import Hub
from .policies import Policies
from .presence import Presence


class PolicyAudit:
    """Read the policies of namespaces, and apply those that have changed.

    Args:
        policies: read from Redis; they log what they could not read.
        hub: applies them to its channels.
        presence: counts the connections of other channels then.
        interval_s: seconds between two readings.
    """

    def __init__(
        self, policies: Policies, hub: Hub, presence: Presence, *, interval_s: float
    ) -> None:
        self._policies = policies
        self._hub = hub
        self._presence = presence
        self._interval_s = interval_s
        self._background = BackgroundTasks()

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(self._interval_s)

    async def read(self) -> None:
        """Read the policies once, and apply them if they have changed."""
        if await self._policies.refresh():
            self._hub.policies_changed()
            self._presence.recount()

    def read_soon(self) -> None:
        """Start one reading: Django declared other namespaces, or the link was restored."""
        self._background.start(self.read())
