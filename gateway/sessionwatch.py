"""A connection lives as long as its session: reading sessions again, and what follows.

Strategy: there is one question ("what is true of these sessions now?") and one consequence for
each connection: close it, or bring its user, channels and expiry up to date. A control message,
an expiry that has come and the periodic audit differ only in when they ask.

A session that looks ended is given a moment and read once more: changing a password saves the
user first and the session that changed it a little later, and a session that moves to another
key is told of by a message that may still be on its way.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from time import time
from typing import Any

from .authenticator import Authenticator
from .connection import Connection, Identity, State
from .endpoint import Endpoint
from .errors import BrokerUnavailable
from .timerwheel import TimerWheel
from .wire import messages
from .wire.closecodes import CloseCode
from .wire.names import is_automatic

log = logging.getLogger("gateway.auth")

GRACE_S = 0.4
CHUNK = 128


class SessionWatch:
    """Keep connections in step with their sessions.

    Args:
        endpoint: closes connections; knows the registry and the hub.
        authenticator: reads sessions.
        wheel: wakes when a session expires.
        audit_interval_s: all sessions are read again once in so many seconds.
        clock: gives Unix seconds.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        authenticator: Authenticator,
        wheel: TimerWheel,
        audit_interval_s: float,
        clock: Callable[[], float] = time,
    ) -> None:
        self._endpoint = endpoint
        self._authenticator = authenticator
        self._wheel = wheel
        self._audit_interval_s = audit_interval_s
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def session_ended(self, sid: str) -> None:
        """Close every connection of a session."""
        self._end(self._endpoint.registry.by_sid[sid])

    def user_ended(self, uid: str) -> None:
        """Close every connection of a user."""
        self._end(self._endpoint.registry.by_uid[uid])

    def session_moved(self, old: str, new: str) -> None:
        """Follow a session to its new key, and read what it is now."""
        connections = self._endpoint.registry.by_sid[old]
        for connection in connections:
            self._endpoint.registry.refile(connection, new, connection.uid)
        self.recheck(connections)

    def user_changed(self, uid: str) -> None:
        """Read a user's sessions again."""
        self.recheck(self._endpoint.registry.by_uid[uid])

    def channel_revoked(self, uid: str, channel: str) -> None:
        """Take a channel from a user, at once."""
        for connection in self._endpoint.registry.by_uid[uid]:
            connection.is_doubted = connection.state is State.CHECKING
            self._take(connection, channel)

    def welcomed(self, connection: Connection) -> None:
        """Watch a connection from now on, and read again what changed while it was checked."""
        self._watch_expiry(connection)
        if connection.is_doubted:
            self.recheck((connection,))

    def recheck(self, connections: Iterable[Connection]) -> None:
        """Read the sessions of these connections again, soon."""
        chosen = list(connections)
        for connection in chosen:
            connection.is_doubted = connection.state is State.CHECKING
        if chosen:
            self._start(self._recheck(chosen))

    async def audit(self) -> None:
        """Read all sessions again and again, in chunks spread over the interval."""
        while True:
            connections = self._endpoint.registry.open_connections()
            chunks = range(0, len(connections), CHUNK)
            pause_s = self._audit_interval_s / max(len(chunks), 1)
            for start in chunks:
                await self._recheck_or_log(connections[start : start + CHUNK])
                await asyncio.sleep(pause_s)
            if not chunks:
                await asyncio.sleep(pause_s)

    def _end(self, connections: Iterable[Connection]) -> None:
        for connection in connections:
            self._endpoint.close(connection, CloseCode.SESSION_ENDED)

    async def _recheck(self, connections: list[Connection]) -> None:
        doubtful = await self._update(connections)
        if doubtful:
            await asyncio.sleep(GRACE_S)
            self._end(await self._update(doubtful))

    async def _update(self, connections: list[Connection]) -> list[Connection]:
        """Bring connections up to date; return those whose session is not valid."""
        asked = [c for c in connections if c.state is State.OPEN and c.sid is not None]
        claims = list({(c.sid or "", c.uid): None for c in asked})
        identities = dict(
            zip(claims, await self._authenticator.identify_again(claims), strict=True)
        )
        doubtful = []
        for connection in asked:
            identity = identities.get((connection.sid or "", connection.uid))
            if identity is None:
                doubtful.append(connection)
            elif connection.state is State.OPEN:
                self._apply(connection, identity)
        return doubtful

    def _apply(self, connection: Connection, identity: Identity) -> None:
        if identity.uid != connection.uid:
            self._endpoint.registry.refile(connection, identity.sid, identity.uid)
            connection.send(messages.refreshed(identity.uid, _seconds(identity.expires_at)))
        connection.identity = identity
        for channel in connection.channels:
            if is_automatic(channel) and channel not in identity.channels:
                self._take(connection, channel)
        for channel in identity.channels:
            if channel not in connection.channels:
                self._endpoint.hub.join(connection, channel)
                connection.send(messages.subscribed(channel))
        self._watch_expiry(connection)

    def _take(self, connection: Connection, channel: str) -> None:
        if channel in connection.channels:
            self._endpoint.hub.leave(connection, channel)
            if connection.state is State.OPEN:  # before, the welcome is the first frame
                connection.send(messages.unsubscribed(channel))

    def _watch_expiry(self, connection: Connection) -> None:
        identity = connection.identity
        if identity is None or identity.expires_at is None:
            return
        left_s = identity.expires_at - self._clock()
        if left_s < 2 * self._audit_interval_s:
            self._wheel.schedule(_Expiry(self, connection), max(left_s, 0.0))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(self._logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _recheck_or_log(self, connections: list[Connection]) -> None:
        await self._logged(self._recheck(connections))

    async def _logged(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except BrokerUnavailable as error:
            log.warning("event=recheck_postponed cause=%s", error)
        except Exception:
            log.exception("event=recheck_failed")


class _Expiry:
    """The moment at which a session ends, unless it was prolonged."""

    __slots__ = ("connection", "watch")

    def __init__(self, watch: SessionWatch, connection: Connection) -> None:
        self.watch = watch
        self.connection = connection

    def on_timer(self, now: float) -> None:
        """Look whether the session has ended."""
        self.watch.recheck((self.connection,))


def _seconds(moment: float | None) -> int | None:
    return None if moment is None else int(moment)
