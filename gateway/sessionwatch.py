"""A connection lives as long as its session: reading sessions again, and what follows.

Strategy: there is one question ("what is true of these sessions now?") and one consequence for
each connection: close it, or bring its user, channels and expiry up to date. A control message,
an expiry that has come and the periodic audit differ only in when they ask.

A session that looks ended is given a moment and read once more: changing a password saves the
user first and the session that changed it a little later, and a session that moves to another
key is told of by a message that may still be on its way; should that be lost, what is left under
the old key says where it went. What then still looks ended, though nobody has told of an end,
sends the browser back to Django for another token: a slow site may say later under which hash the
session goes on, and Redis may have lost what Django still knows.

A visitor's session that has become a user's is followed by no connection by itself: whoever planted
the session's old cookie in that user's browser has one as well. Each is asked for a token, which
only the browser that logged in can fetch; it has not ended, so it may hear meanwhile what any
visitor hears, for as long as ``REFRESH_S``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from time import time
from typing import Any

from .authenticator import Authenticator, Claim
from .background import Background
from .connection import Connection, Identity, State
from .endpoint import Endpoint
from .errors import BrokerUnavailable
from .timerwheel import TimerWheel
from .wire import messages
from .wire.closecodes import CloseCode
from .wire.names import is_automatic

log = logging.getLogger("gateway.auth")

REFRESH_S = 10.0
"""How long a page has to show a token, once it was asked: several attempts at Django."""
CHUNK = 128

Prolong = Callable[[Sequence[Claim]], Awaitable[None]]


class SessionWatch:
    """Keep connections in step with their sessions.

    Args:
        endpoint: closes connections; knows the registry and the hub.
        authenticator: reads sessions.
        wheel: wakes when a session expires.
        audit_interval_s: every session is read again within so many seconds.
        grace_s: a session that is not valid is given a second look after so many seconds.
        clock: gives Unix seconds.
        prolong: keeps the sessions of open connections alive; None lets them end.

    ``on_rights_changed`` is told of a connection whose user may do other things than before, and
    the new name of his rights.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        authenticator: Authenticator,
        wheel: TimerWheel,
        audit_interval_s: float,
        grace_s: float,
        clock: Callable[[], float] = time,
        prolong: Prolong | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._authenticator = authenticator
        self._wheel = wheel
        self._audit_interval_s = audit_interval_s
        self._grace_s = grace_s
        self._clock = clock
        self._prolong = prolong
        self._background = Background()
        self._due: dict[Connection, None] = {}
        self.on_rights_changed: Callable[[Connection, str], None] = lambda connection, rights: None

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
            connection.doubts += connection.state is State.CHECKING
            self._take(connection, channel)

    def welcomed(self, connection: Connection) -> None:
        """Watch a connection from now on, and read again what changed while it was checked."""
        self._watch_expiry(connection)
        if connection.doubts:
            self.recheck((connection,))

    def recheck(self, connections: Iterable[Connection]) -> None:
        """Read the sessions of these connections again, soon.

        Together with all that are asked for in this turn of the loop: what Django tells of every
        member of a group costs few round trips.
        """
        chosen, is_begun = list(connections), bool(self._due)
        for connection in chosen:
            connection.doubts += 1
        self._due.update(dict.fromkeys(chosen))
        if chosen and not is_begun:
            self._start(self._recheck_due())

    async def audit(self) -> None:
        """Read all sessions again and again, in chunks spread over half the interval.

        Half, because who is welcomed just after a round has begun waits for the next one.
        """
        while True:
            connections = self._endpoint.registry.open_connections()
            chunks = _chunks(connections)
            pause_s = self._audit_interval_s / 2 / max(len(chunks), 1)
            for chunk in chunks:
                await self._logged(self._audit(chunk))
                await asyncio.sleep(pause_s)
            if not chunks:
                await asyncio.sleep(pause_s)

    def _end(self, connections: Iterable[Connection]) -> None:
        for connection in connections:
            self._endpoint.close(connection, CloseCode.SESSION_ENDED)

    async def _audit(self, connections: list[Connection]) -> None:
        await self._recheck(connections)
        if self._prolong is not None:
            known = [c for c in connections if c.state is State.OPEN and c.identity]
            await self._prolong(list(map(_claim, known)))

    async def _recheck_due(self) -> None:
        due, self._due = list(self._due), {}
        await self._recheck(due)

    async def _recheck(self, connections: list[Connection]) -> None:
        for chunk in _chunks(connections):
            doubtful = await self._update(chunk)
            self._end(connection for connection in doubtful if self._has_expired(connection))
            doubtful = [connection for connection in doubtful if connection.state is State.OPEN]
            if doubtful:
                self._start(self._look_again(doubtful))

    async def _look_again(self, doubtful: list[Connection]) -> None:
        await asyncio.sleep(self._grace_s)
        for connection in await self._update(doubtful):
            self._endpoint.close(connection, CloseCode.SESSION_UNKNOWN)

    async def _update(self, connections: list[Connection]) -> list[Connection]:
        """Bring connections up to date; return those that are not valid.

        Replies may overtake each other: what was read before the newest change was told of is not
        acted on, for another look is on its way.
        """
        asked = {c: c.doubts for c in connections if c.state is State.OPEN and c.sid is not None}
        claims = list(dict.fromkeys(map(_claim, asked)))
        found = dict(zip(claims, await self._authenticator.identify_again(claims), strict=True))
        doubtful = []
        for connection in (c for c in asked if c.state is State.OPEN and c.doubts == asked[c]):
            identity = found.get(_claim(connection))
            if identity is None:
                doubtful.append(connection)
            elif identity.uid != connection.uid:
                self._ask_for_token(connection)
            else:
                self.apply(connection, identity)
        return doubtful

    def _ask_for_token(self, connection: Connection) -> None:
        """Let the page show, once it is asked, whose connection this is."""
        if connection.identity is not None:
            connection.identity = None
            connection.send(messages.refresh(REFRESH_S))
            self._wheel.schedule(_Answer(self._endpoint, connection), REFRESH_S)

    def apply(self, connection: Connection, identity: Identity) -> None:
        """Bring an open connection of this very user in step with what his session is now."""
        before, connection.identity = connection.identity, identity
        if identity.sid != connection.sid:
            self._endpoint.registry.refile(connection, identity.sid, identity.uid)
        if before is None or before.rights != identity.rights:
            connection.send(_refreshed(identity))
            self.on_rights_changed(connection, identity.rights)
        self._settle_channels(connection, identity)
        self._watch_expiry(connection)

    def _settle_channels(self, connection: Connection, identity: Identity) -> None:
        """Give what is given without asking, and take what is not any more."""
        for channel in connection.channels:
            if is_automatic(channel) and channel not in identity.channels:
                self._take(connection, channel)
        for channel in identity.channels:
            if channel not in connection.channels:
                self._endpoint.announce(connection, channel)

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

    def _has_expired(self, connection: Connection) -> bool:
        expires_at = connection.identity.expires_at if connection.identity else None
        return expires_at is not None and expires_at <= self._clock()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._background.start(self._logged(work))

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


class _Answer:
    """The latest moment at which a page that was asked must have shown a token."""

    __slots__ = ("_connection", "_endpoint")

    def __init__(self, endpoint: Endpoint, connection: Connection) -> None:
        self._endpoint = endpoint
        self._connection = connection

    def on_timer(self, now: float) -> None:
        """Close the connection if nobody knows yet whose it is."""
        if self._connection.identity is None:
            self._endpoint.close(self._connection, CloseCode.SESSION_UNKNOWN, "no token in time")


def _refreshed(identity: Identity) -> bytes:
    expires = None if identity.expires_at is None else int(identity.expires_at)
    return messages.refreshed(identity.uid, expires, rights=identity.rights)


def _claim(connection: Connection) -> Claim:
    return connection.sid or "", connection.uid


def _chunks(connections: list[Connection]) -> list[list[Connection]]:
    return [connections[start : start + CHUNK] for start in range(0, len(connections), CHUNK)]
