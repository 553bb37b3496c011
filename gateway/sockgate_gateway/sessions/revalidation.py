"""Reading again what connections are allowed, and keeping, changing or closing them.

Strategy: sessions, rights and grants are revoked by one mechanism. ``Revalidator`` reads all three
for a set of connections and then treats each connection alone: it keeps the connection as it is,
changes its channels (``access.py``), or closes it. A control message, an expired session, a
restored link and the audit differ only in when they request it.

A connection in doubt is suspended: nothing is delivered to it, and its requests wait. A doubt
begins when the link to Redis is lost, when a control message names the session, when its expiry has
come, and when an audit does not find it. It ends when session, rights and grants were read after
the last doubt, on a link that stands. Held frames follow then, or the connection is closed. When
Redis does not answer, the reading is repeated.

A session that looks ended is read once more after ``grace_s``. A change of password saves the user
first and the session that changed it a little later. A session that moves to another key is
announced by a control message that may still be on its way; if that is lost, the old key says where
the session is now. If the session still looks ended, but no control message has said so, the client
must fetch another token from Django (``SESSION_UNKNOWN``). A slow site may announce later under
which hash the session continues, and Redis may have lost what Django still has.

No connection follows a visitor's session that has become a user's: an attacker who planted the old
cookie of the session in that user's browser has a connection as well. Each must show a token, which
only the browser that logged in can fetch. Until then it receives what any visitor receives, for at
most ``REFRESH_S``.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from time import time
from typing import Any
from weakref import ref

from ..connections.connection import Claim, Connection, Identity
from ..connections.registry import Registry
from ..errors import BrokerUnavailable, Disconnect
from ..loop.background import BackgroundTasks
from ..loop.failure_log import FailureLog
from ..loop.timer_wheel import TimerWheel
from ..wire.closecodes import CloseCode
from .access import Access
from .authenticator import Authenticator
from .connect import NOT_VALID
from .grants import Grants
from .lifecycle import Lifecycle

log = logging.getLogger("sockgate.auth")

MAX_BATCH = 128
RETRY_S = 0.5
"""Pause before sessions are read again that could not be read."""


class Revalidator:
    """Read again what connections are allowed.

    Args:
        lifecycle: closes connections.
        registry: has all connections.
        access: changes their channels.
        grants: reads which grants were revoked.
        authenticator: reads sessions.
        wheel: wakes when a session expires.
        audit_interval_s: expiries within the next two audits are scheduled.
        grace_s: a session that is not valid is read once more after so many seconds.
        clock: returns Unix seconds.
    """

    def __init__(
        self,
        *,
        lifecycle: Lifecycle,
        registry: Registry,
        access: Access,
        grants: Grants,
        authenticator: Authenticator,
        wheel: TimerWheel,
        audit_interval_s: float,
        grace_s: float,
        clock: Callable[[], float] = time,
    ) -> None:
        self._lifecycle = lifecycle
        self._registry = registry
        self._access = access
        self._grants = grants
        self._authenticator = authenticator
        self._wheel = wheel
        self._audit_interval_s = audit_interval_s
        self._grace_s = grace_s
        self._clock = clock
        self._background = BackgroundTasks()
        self._is_linked = False
        self._failures = FailureLog(log, "revalidation_postponed")
        self._requested: dict[Connection, None] = {}
        self._postponed: dict[Connection, None] = {}

    def welcomed(self, connection: Connection) -> None:
        """Deliver to a connection that has received ``connected``, unless it is in doubt."""
        self._schedule_expiry(connection)
        if connection.doubts:
            self.request((connection,))
        elif self._is_linked:
            connection.resume()

    def link_lost(self) -> None:
        """Suspend every connection until its session was read on another link."""
        self._is_linked = False
        for connection in self._registry.connections:
            connection.doubt()

    def link_restored(self) -> None:
        """Revalidate every connection: control messages may have been missed."""
        self._is_linked = True
        self.request(self._registry.connections)

    def request(self, connections: Iterable[Connection]) -> None:
        """Suspend connections, and revalidate them soon.

        They are read together with all that are requested in this turn of the loop. So a change
        that Django announces for every member of a group costs few round trips.
        """
        chosen = list(connections)
        for connection in chosen:
            connection.doubt()
        self._read_soon(chosen)

    async def revalidate(self, connections: list[Connection]) -> None:
        """Read what connections are allowed, and keep, change or close each of them.

        Raises:
            BrokerUnavailable: Redis does not answer now.
        """
        invalid = await self._read(connections)
        self._close_expired(invalid)
        invalid = [connection for connection in invalid if connection.is_open]
        for connection in invalid:
            connection.doubt()
        if invalid:
            self._start(self._or_postpone(self._read_again(invalid), invalid))

    def apply(self, connection: Connection, identity: Identity) -> None:
        """Apply an identity that was read for this connection's user."""
        self._access.apply(connection, identity)
        self._schedule_expiry(connection)

    async def log_failures(self, work: Coroutine[Any, Any, None]) -> None:
        """Await, and log instead of raising."""
        try:
            await work
            self._failures.succeeded()
        except BrokerUnavailable as error:
            self._failures.failed(error)
        except Exception:
            log.exception("event=revalidation_failed")

    async def _read(self, connections: list[Connection]) -> list[Connection]:
        """Apply what is read; return the connections whose session is not valid.

        Replies may overtake each other. A reply that was requested before the last doubt is not
        applied, for another reading is on its way. Nor is what was read of a session that the
        connection has left for another one, with a token that was verified meanwhile.
        """
        readings = {c: _reading_of(c) for c in connections if c.is_open and c.sid is not None}
        for connection, channel in await self._grants.revoked(readings):
            self._access.revoke(connection, channel)
        claims = list(dict.fromkeys(map(claim_of, readings)))
        found = dict(
            zip(claims, await self._authenticator.read_identities_again(claims), strict=True)
        )
        invalid = []
        for connection in [c for c in readings if c.is_open and _reading_of(c) == readings[c]]:
            identity = found[claim_of(connection)]
            if identity is None:
                invalid.append(connection)
            else:
                self._keep(connection, identity)
        return invalid

    def _keep(self, connection: Connection, identity: Identity) -> None:
        """Bring a connection in step with its valid session, and deliver."""
        try:
            if identity.uid != connection.uid:
                self._access.request_token(connection)
            else:
                self.apply(connection, identity)
            if self._is_linked:
                connection.resume()
        except Disconnect as error:
            self._lifecycle.close(connection, error.code, str(error))

    async def _read_again(self, invalid: list[Connection]) -> None:
        await asyncio.sleep(self._grace_s)
        for connection in await self._read(invalid):
            self._lifecycle.close(connection, CloseCode.SESSION_UNKNOWN, NOT_VALID)

    def _close_expired(self, invalid: Iterable[Connection]) -> None:
        """Close connections whose session expired; a visitor may fetch a token for another one."""
        for connection in filter(self._has_expired, invalid):
            is_visitors = connection.uid is None
            code = CloseCode.SESSION_UNKNOWN if is_visitors else CloseCode.SESSION_ENDED
            self._lifecycle.close(connection, code, "the session has expired")

    def _read_soon(self, connections: Iterable[Connection]) -> None:
        is_started = bool(self._requested)
        self._requested.update(dict.fromkeys(connections))
        if self._requested and not is_started:
            self._start(self._read_requested())

    async def _read_requested(self) -> None:
        requested, self._requested = list(self._requested), {}
        for batch in batches(requested):
            await self._or_postpone(self.revalidate(batch), batch)

    async def _or_postpone(
        self, reading: Coroutine[Any, Any, None], connections: list[Connection]
    ) -> None:
        """Await a reading; if it fails, request another one after a pause."""
        try:
            await reading
            self._failures.succeeded()
        except BrokerUnavailable as error:
            self._failures.failed(error)
            self._postpone(connections)
        except Exception:
            log.exception("event=revalidation_failed")
            self._postpone(connections)

    def _postpone(self, connections: list[Connection]) -> None:
        is_started = bool(self._postponed)
        self._postponed.update(dict.fromkeys(connections))
        if not is_started:
            self._start(self._retry())

    async def _retry(self) -> None:
        await asyncio.sleep(RETRY_S)
        postponed, self._postponed = list(self._postponed), {}
        self._read_soon(connection for connection in postponed if connection.is_open)

    def _schedule_expiry(self, connection: Connection) -> None:
        identity = connection.identity
        if identity is None or identity.expires_at is None:
            return
        left_s = identity.expires_at - self._clock()
        if left_s < 2 * self._audit_interval_s:
            self._wheel.schedule(_Expiry(self, connection), max(left_s, 0.0))

    def _has_expired(self, connection: Connection) -> bool:
        expires_at = connection.identity.expires_at if connection.identity else None
        return expires_at is not None and expires_at <= self._clock()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._background.start(self.log_failures(work))


class _Expiry:
    """The moment at which a session expires, unless it was prolonged."""

    __slots__ = ("_connection", "_revalidator")

    def __init__(self, revalidator: Revalidator, connection: Connection) -> None:
        self._revalidator = revalidator
        self._connection = ref(connection)

    def on_timer(self, now: float) -> None:
        """Read the session again."""
        connection = self._connection()
        if connection is not None:
            self._revalidator.request((connection,))


def batches(connections: list[Connection]) -> list[list[Connection]]:
    """Split connections into batches that one round trip reads."""
    starts = range(0, len(connections), MAX_BATCH)
    return [connections[start : start + MAX_BATCH] for start in starts]


def claim_of(connection: Connection) -> Claim:
    """Return the session and user of an identified connection."""
    return connection.sid or "", connection.uid


def _reading_of(connection: Connection) -> tuple[int, Claim]:
    """What must not have changed when the reply about a connection arrives."""
    return connection.doubts, claim_of(connection)
