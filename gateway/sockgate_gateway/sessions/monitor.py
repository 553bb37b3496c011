"""What control messages about sessions, users and grants mean for connections; and the audit.

A message that ends or revokes something acts at once. Every other one requests a reading of what
the connections are allowed now (``revalidation.py``).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from time import monotonic

from ..connections.connection import Claim, Connection
from ..connections.registry import Registry
from ..connections.states import State
from ..histogram import ROUNDS, Histogram
from ..wire.closecodes import CloseCode
from ..wire.tenants import are_of_one_tenant
from .access import Access
from .lifecycle import Lifecycle
from .revalidation import Revalidator, batches, claim_of
from .subscribe import SubscribeRequests

log = logging.getLogger("sockgate.auth")

Prolong = Callable[[Sequence[Claim]], Awaitable[None]]
"""Keeps sessions alive: sets their expiry anew."""


class SessionMonitor:
    """Keep connections in step with their sessions.

    Args:
        lifecycle: closes connections.
        registry: finds the connections of a session or a user.
        access: revokes channels.
        revalidator: reads again what connections are allowed.
        subscribe_requests: rejects requests for a revoked channel.
        audit_interval_s: every session is read again within so many seconds.
        prolong: keeps the sessions of open connections alive; None: they expire as they would.
        clock: returns monotonic seconds.

    ``audits``: how long each audit took.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        registry: Registry,
        access: Access,
        revalidator: Revalidator,
        subscribe_requests: SubscribeRequests,
        *,
        audit_interval_s: float,
        prolong: Prolong | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._lifecycle = lifecycle
        self._registry = registry
        self._access = access
        self._revalidator = revalidator
        self._subscribe_requests = subscribe_requests
        self._audit_interval_s = audit_interval_s
        self._prolong = prolong
        self._clock = clock
        self.audits = Histogram(ROUNDS)

    def session_ended(self, sid: str) -> None:
        """Close every connection of a session."""
        self._end(self._registry.of_session(sid), "Django ended the session")

    def user_ended(self, uid: str) -> None:
        """Close every connection of a user."""
        self._end(self._registry.of_user(uid), "Django ended all sessions of the user")

    def disconnect(self, uid: str, connection_id: str) -> None:
        """Close the connections of a user, or one of them; they may come back."""
        for connection in self._registry.of_user(uid):
            if connection_id in ("", connection.id):
                self._lifecycle.close(connection, CloseCode.GOING_AWAY, "an operator closed it")

    def session_moved(self, old: str, new: str) -> None:
        """Follow a session to its new key, and revalidate its connections."""
        if not are_of_one_tenant(old, new):
            log.warning("event=move_rejected cause='another tenant'")
            return
        self._registry.move_session(old, new)
        self._revalidator.request(self._registry.of_session(new))

    def user_changed(self, uid: str) -> None:
        """Revalidate the connections of a user."""
        self._revalidator.request(self._registry.of_user(uid))

    def channel_revoked(self, uid: str, channel: str) -> None:
        """Revoke a user's right to a channel, at once.

        A connection that is being checked may receive the channel from a record that was read
        before, so what is being read for it is discarded.
        """
        for connection in self._registry.claimants(uid):
            connection.discard_readings()
        for connection in self._registry.by_uid[uid]:
            if connection.state is State.CHECKING:
                connection.discard_readings()
            self._subscribe_requests.reject_pending(connection, channel)
            self._access.revoke(connection, channel)

    def link_lost(self) -> None:
        """Deliver nothing until every session was read on another link."""
        self._revalidator.link_lost()

    def link_restored(self) -> None:
        """Read every session again: control messages may have been missed."""
        self._revalidator.link_restored()

    async def audit(self) -> None:
        """Revalidate all open connections for ever, in batches spread over half the interval.

        Half, because a connection that opens just after a round has begun waits for the next one.
        """
        while True:
            rounds = batches(self._registry.open_connections())
            pause_s = self._audit_interval_s / 2 / max(len(rounds), 1)
            began_at = self._clock()
            while rounds:  # A name for the batch would keep closed connections during the pause.
                await self._revalidator.log_failures(self._audit(rounds.pop()))
                if rounds:
                    await asyncio.sleep(pause_s)
            self.audits.observe(self._clock() - began_at)
            await asyncio.sleep(pause_s)

    async def _audit(self, connections: list[Connection]) -> None:
        await self._revalidator.revalidate(connections)
        if self._prolong is not None:
            identified = [c for c in connections if c.is_open and not c.lacks_identity]
            await self._prolong(list(map(claim_of, identified)))

    def _end(self, connections: Iterable[Connection], cause: str) -> None:
        for connection in connections:
            self._lifecycle.close(connection, CloseCode.SESSION_ENDED, cause)
