"""Every connection of this worker, by session and by user, and how many there may be. Pure.

A connection enters here under its sid and uid before its session is read in Redis: whatever
ends that session from then on finds it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .connection import Connection, State
from .errors import Refused
from .proxies import source_of
from .wire.closecodes import CloseCode


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections a worker accepts.

    Args:
        total: all together.
        unauthenticated: those that have not been welcomed yet.
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
        self._entries[key] = (*self[key], connection)

    def discard(self, key: str, connection: Connection) -> None:
        """Remove a connection from a key, if it is there."""
        rest = tuple(other for other in self[key] if other is not connection)
        if rest:
            self._entries[key] = rest
        else:
            self._entries.pop(key, None)


class Registry:
    """The connections of a worker."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.on_rename: Callable[[Connection, str | None], None] = lambda connection, before: None
        self.connections: dict[Connection, None] = {}
        self.by_sid = Index()
        self.by_uid = Index()
        self._strangers: dict[Connection, str] = {}
        self._strangers_by_source: dict[str, int] = {}

    @property
    def unauthenticated(self) -> int:
        """How many have not been welcomed yet."""
        return len(self._strangers)

    def check_room(self, address: str) -> None:
        """Make sure that one more may be opened from this address.

        Raises:
            Refused: the worker, its unauthenticated share, or the address's is full.
        """
        if len(self.connections) >= self._limits.total:
            raise Refused(CloseCode.OVERLOADED, "connection limit reached")
        if len(self._strangers) >= self._limits.unauthenticated:
            raise Refused(CloseCode.OVERLOADED, "limit of unauthenticated connections reached")
        if self._strangers_by_source.get(source_of(address), 0) >= self._limits.per_address:
            raise Refused(CloseCode.OVERLOADED, "address has too many unauthenticated connections")

    def add(self, connection: Connection) -> None:
        """Take in a connection that has shown no token yet."""
        self.connections[connection] = None
        source = self._strangers[connection] = source_of(connection.address)
        self._strangers_by_source[source] = self._strangers_by_source.get(source, 0) + 1

    def claim(self, connection: Connection, sid: str, uid: str | None) -> None:
        """File a connection under the session and user that it claims to be of.

        Raises:
            Refused: the user has as many connections as he may, without this one; a visitor's
                session counts as a user.
        """
        his = self.by_sid[sid] if uid is None else self.by_uid[uid]
        if len(his) >= self._limits.per_user and connection not in his:
            raise Refused(CloseCode.TOO_MANY_CONNECTIONS)
        self.refile(connection, sid, uid)

    def refile(self, connection: Connection, sid: str, uid: str | None) -> None:
        """File a connection under another session or user."""
        self._unfile(connection)
        before, connection.sid, connection.uid = connection.uid, sid, uid
        if before != uid and connection.channels:
            self.on_rename(connection, before)
        self.by_sid.add(sid, connection)
        if uid is not None:
            self.by_uid.add(uid, connection)

    def accept(self, connection: Connection) -> None:
        """Count a connection as authenticated."""
        source = self._strangers.pop(connection, None)
        if source is None:
            return
        count = self._strangers_by_source.pop(source) - 1
        if count:
            self._strangers_by_source[source] = count

    def remove(self, connection: Connection) -> None:
        """Forget a connection."""
        self.accept(connection)
        self.connections.pop(connection, None)
        self._unfile(connection)

    def open_connections(self) -> list[Connection]:
        """List those that have been welcomed."""
        return [c for c in self.connections if c.state is State.OPEN]

    def _unfile(self, connection: Connection) -> None:
        if connection.sid is not None:
            self.by_sid.discard(connection.sid, connection)
        if connection.uid is not None:
            self.by_uid.discard(connection.uid, connection)
