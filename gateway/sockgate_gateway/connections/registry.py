"""Every connection of this worker, by session and by user, and the limits on their number. Pure.

Strategy: ``by_sid`` and ``by_uid`` hold verified identities only. The session that a token names is
a claim until Redis has confirmed it. Claims have an index of their own, so that the end of a
session finds connections whose session is still being read. Claims serve no other purpose: they
give no identity and no rights, and do not count as connections of a user.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..errors import Disconnect
from ..wire.closecodes import CloseCode
from .connection import Claim, Connection
from .fair_count import FairCount
from .waiting_list import WaitingList


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many connections a worker accepts.

    Args:
        total: all together.
        unauthenticated: those that have not received ``connected``.
        per_user: those of one user, or of one session of a visitor.
        per_address: unauthenticated ones of one IP address, or one /64 of IPv6.
    """

    total: int
    unauthenticated: int
    per_user: int
    per_address: int


class Index:
    """One key to a few connections; tuples, since most keys have exactly one."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[Connection, ...]] = {}

    def __getitem__(self, key: str) -> tuple[Connection, ...]:
        return self._entries.get(key, ())

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, key: str, connection: Connection) -> None:
        """File a connection under a key."""
        self._entries[key] = (*self._entries.get(key, ()), connection)

    def discard(self, key: str, connection: Connection) -> None:
        """Remove a connection from a key, if it is there."""
        filed = self._entries.get(key, ())
        if filed == (connection,):
            del self._entries[key]
        elif connection in filed:
            self._entries[key] = tuple([other for other in filed if other is not connection])


class Claims:
    """The sessions and users that connections claim, until Redis has confirmed them."""

    def __init__(self) -> None:
        self._claims: dict[Connection, Claim] = {}
        self.by_sid = Index()
        self.by_uid = Index()

    def add(self, connection: Connection, claim: Claim) -> None:
        """File the claim of a connection, which has no other."""
        sid, uid = self._claims[connection] = claim
        self.by_sid.add(sid, connection)
        if uid is not None:
            self.by_uid.add(uid, connection)

    def __getitem__(self, connection: Connection) -> Claim:
        return self._claims[connection]

    def pop(self, connection: Connection) -> Claim:
        """Remove the claim of a connection and return it."""
        sid, uid = claim = self._claims.pop(connection)
        self.by_sid.discard(sid, connection)
        if uid is not None:
            self.by_uid.discard(uid, connection)
        return claim

    def discard(self, connection: Connection) -> None:
        """Remove the claim of a connection, if it has one."""
        if connection in self._claims:
            self.pop(connection)

    def move(self, old: str, new: str) -> None:
        """Claim the new key of a session instead of the old one."""
        for connection in self.by_sid[old]:
            _, uid = self.pop(connection)
            self.add(connection, (new, uid))


class Registry:
    """The connections of a worker.

    Args:
        limits: limits on their number.
        on_user_changed: is called with a subscribed connection whose user is another one now, and
            with its uid before.
    """

    def __init__(
        self, limits: Limits, *, on_user_changed: Callable[[Connection, str | None], None]
    ) -> None:
        self._limits = limits
        self.on_user_changed = on_user_changed
        self.connections: dict[Connection, None] = {}
        self.by_sid = Index()
        self.by_uid = Index()
        self._claims = Claims()
        self._unauthenticated: dict[Connection, str] = {}
        self._unauthenticated_by_source: dict[str, int] = {}
        self._without_token = WaitingList[Connection]()
        self._fair_without_token = FairCount()

    @property
    def unauthenticated(self) -> int:
        """How many have not received ``connected``."""
        return len(self._unauthenticated)

    @property
    def without_token(self) -> int:
        """How many have sent no token."""
        return len(self._without_token)

    def without_token_ahead_of(self, source: str) -> int:
        """Return how many that have sent no token are in the way of one more of a source."""
        return self._fair_without_token.ahead_of(source)

    def find_displaced(self, source: str) -> Connection | None:
        """Return the connection to close before one more is opened from this source, if any.

        It is one that has sent no token. Connections that are being checked leave this group soon,
        and if they were closed, no client would be welcomed in a storm of connects.

        Raises:
            Disconnect: a limit is reached, and no connection can be closed for it.
        """
        if self._unauthenticated_by_source.get(source, 0) >= self._limits.per_address:
            displaced = self._without_token.oldest_of(source)
            full, cause = "address", "address has too many unauthenticated connections"
        elif len(self._unauthenticated) >= self._limits.unauthenticated:
            displaced = self._without_token.oldest_of_fullest()
            full, cause = "unauthenticated", "limit of unauthenticated connections reached"
        elif len(self.connections) >= self._limits.total:
            displaced = self._without_token.oldest_of_fullest()
            full, cause = "connections", "connection limit reached"
        else:
            return None
        if displaced is None:
            raise Disconnect(CloseCode.OVERLOADED, cause, refusal=full)
        return displaced

    def add(self, connection: Connection) -> None:
        """Add a connection that has sent no token."""
        self.connections[connection] = None
        source = self._unauthenticated[connection] = connection.source
        self._unauthenticated_by_source[source] = self._unauthenticated_by_source.get(source, 0) + 1
        self._without_token.enter(connection, source)
        self._fair_without_token.add(source)

    def note_token(self, connection: Connection) -> None:
        """Note that a connection has sent a token, so it is not closed in favour of another one."""
        if self._without_token.leave(connection):
            self._fair_without_token.remove(connection.source)

    def claim(self, connection: Connection, sid: str, uid: str | None) -> None:
        """Note which session a connection claims, so that an end of it finds the connection."""
        self._claims.add(connection, (sid, uid))

    def claim_of(self, connection: Connection) -> Claim:
        """Return the claim of a connection, as it is after its session has moved.

        Raises:
            KeyError: there is none.
        """
        return self._claims[connection]

    def confirm(self, connection: Connection) -> None:
        """File a connection under the session that it claims, which Redis has confirmed.

        Raises:
            Disconnect: as ``file``.
            KeyError: it claims none.
        """
        self.file(connection, *self._claims.pop(connection))

    def unclaim(self, connection: Connection) -> None:
        """Remove the claim of a connection, which was verified or rejected."""
        self._claims.discard(connection)

    def file(self, connection: Connection, sid: str, uid: str | None) -> None:
        """File a connection under its session and user, which Redis has confirmed.

        Raises:
            Disconnect: the user has ``max_per_user`` other connections. A visitor's session
                counts as a user.
        """
        existing = self.by_sid[sid] if uid is None else self.by_uid[uid]
        if len(existing) >= self._limits.per_user and connection not in existing:
            raise Disconnect(CloseCode.TOO_MANY_CONNECTIONS, refusal="user")
        self.refile(connection, sid, uid)

    def refile(self, connection: Connection, sid: str, uid: str | None) -> None:
        """File a connection under another session or user, without a limit."""
        if connection.sid is not None:
            self._unfile(connection)
        before, connection.sid, connection.uid = connection.uid, sid, uid
        if before != uid and connection.channels:
            self.on_user_changed(connection, before)
        self.by_sid.add(sid, connection)
        if uid is not None:
            self.by_uid.add(uid, connection)

    def move_session(self, old: str, new: str) -> None:
        """File the connections of a session under its new key; the caller reads it again."""
        self._claims.move(old, new)
        for connection in self.by_sid[old]:
            self.refile(connection, new, connection.uid)

    def of_session(self, sid: str) -> set[Connection]:
        """List the connections of a session, with those that claim it."""
        return {*self.by_sid[sid], *self._claims.by_sid[sid]}

    def of_user(self, uid: str) -> set[Connection]:
        """List the connections of a user, with those that claim to be the user's."""
        return {*self.by_uid[uid], *self.claimants(uid)}

    def claimants(self, uid: str) -> tuple[Connection, ...]:
        """List the connections whose claim to be a user's is being verified."""
        return self._claims.by_uid[uid]

    def count_claimants(self, sid: str, uid: str | None) -> int:
        """Return how many other connections of this session are being verified.

        Those that claim another session of the user are not counted: their tokens may be of a
        login that has ended, and must not keep the user out.

        Raises:
            Disconnect: one more would exceed ``max_per_user``, so it need not be verified.
        """
        waiting = self._claims.by_sid[sid]
        filed = self.by_sid[sid] if uid is None else self.by_uid[uid]
        if len(waiting) + len(filed) >= self._limits.per_user:
            raise Disconnect(CloseCode.TOO_MANY_CONNECTIONS, refusal="user")
        return len(waiting)

    def leave_unauthenticated(self, connection: Connection) -> None:
        """Count a connection no longer as unauthenticated."""
        source = self._unauthenticated.pop(connection, None)
        if source is None:
            return
        if self._without_token.leave(connection):
            self._fair_without_token.remove(connection.source)
        count = self._unauthenticated_by_source.pop(source) - 1
        if count:
            self._unauthenticated_by_source[source] = count

    def remove(self, connection: Connection) -> None:
        """Remove a connection."""
        self.leave_unauthenticated(connection)
        self.connections.pop(connection, None)
        self._claims.discard(connection)
        self._unfile(connection)

    def open_connections(self) -> list[Connection]:
        """List the open connections."""
        return [c for c in self.connections if c.is_open]

    def _unfile(self, connection: Connection) -> None:
        if connection.sid is not None:
            self.by_sid.discard(connection.sid, connection)
        if connection.uid is not None:
            self.by_uid.discard(connection.uid, connection)
