"""What a change of session, rights or grants means for one open connection. Pure."""

from weakref import ref

from ..channels.hub import Hub
from ..connections.connection import Connection, Identity
from ..connections.journal import Journal
from ..connections.registry import Registry
from ..loop.timer_wheel import TimerWheel
from ..wire import protocol
from ..wire.closecodes import CloseCode
from ..wire.contract import RIGHTS_CHANGED, RefreshWanted, Unsubscribed
from ..wire.names import is_automatic
from .grants import Grants
from .lifecycle import Lifecycle
from .subscribe import SubscribeRequests

REFRESH_S = 10.0
"""How long a client has to show a token when the gateway requests one: several tries at Django."""


class Access:
    """Bring connections in step with what they are allowed.

    Args:
        lifecycle: closes connections.
        registry: files connections by session and user.
        hub: unsubscribes connections.
        journal: remembers what was revoked.
        grants: lists what was granted under other rights.
        subscribe_requests: subscribes to automatic channels, and rejects requests that rely on what
            has changed.
        wheel: closes a connection that shows no token in time.
    """

    def __init__(
        self,
        *,
        lifecycle: Lifecycle,
        registry: Registry,
        hub: Hub,
        journal: Journal,
        grants: Grants,
        subscribe_requests: SubscribeRequests,
        wheel: TimerWheel,
    ) -> None:
        self._lifecycle = lifecycle
        self._registry = registry
        self._hub = hub
        self._journal = journal
        self._grants = grants
        self._subscribe_requests = subscribe_requests
        self._wheel = wheel

    def apply(self, connection: Connection, identity: Identity) -> None:
        """Apply the identity of the user whose connection it is, as it was read now."""
        before = connection.identity
        connection.set_identity(identity)
        if identity.sid != connection.sid:
            self._registry.refile(connection, identity.sid, identity.uid)
        if before is None or before.rights != identity.rights:
            crowd = self._hub.audience.of_revocation(connection.id)
            news = protocol.refreshed(
                identity.uid, identity.expires_at, rights=identity.rights, crowd=crowd
            )
            connection.send(news)
            self._apply_rights(connection, identity.rights)
        self._apply_automatic_channels(connection, identity)

    def session_changed(self, connection: Connection) -> None:
        """Revoke every channel that was granted to the former session; a grant is for one."""
        self._subscribe_requests.reject_pending(connection)
        for channel in self._grants.channels_of(connection):
            self.revoke(connection, channel, RIGHTS_CHANGED)

    def revoke(self, connection: Connection, channel: str, reason: str | None = None) -> None:
        """Unsubscribe a connection from a channel, and send ``unsubscribed``."""
        if channel in connection.channels:
            self._hub.unsubscribe(connection, channel)
            if connection.is_open:  # Before that, ``connected`` is the first frame.
                crowd = self._hub.audience.of_revocation(connection.id)
                connection.send(protocol.write(Unsubscribed(channel, reason, **crowd)))
                self._journal.revoked(connection, channel, reason or "")

    def request_token(self, connection: Connection) -> None:
        """Send ``refresh``, once; close the connection if no token comes in time."""
        if not connection.lacks_identity:
            connection.require_token()
            connection.send_now(protocol.write(RefreshWanted(REFRESH_S)))
            self._wheel.schedule(_TokenDeadline(self._lifecycle, connection), REFRESH_S)

    def _apply_rights(self, connection: Connection, rights: str) -> None:
        """Revoke every channel that was granted under other rights; Django may grant it again."""
        self._subscribe_requests.reject_pending(connection)
        for channel in self._grants.under_other_rights(connection, rights):
            self.revoke(connection, channel, RIGHTS_CHANGED)

    def _apply_automatic_channels(self, connection: Connection, identity: Identity) -> None:
        for channel in connection.channels:
            if is_automatic(channel) and channel not in identity.channels:
                self.revoke(connection, channel)
        for channel in identity.channels:
            if channel not in connection.channels:
                self._subscribe_requests.subscribe_automatic(connection, channel)


class _TokenDeadline:
    """The latest moment at which a client must have shown the token that was requested."""

    __slots__ = ("_connection", "_lifecycle")

    def __init__(self, lifecycle: Lifecycle, connection: Connection) -> None:
        self._lifecycle = lifecycle
        self._connection = ref(connection)

    def on_timer(self, now: float) -> None:
        """Close the connection if it still has no identity."""
        connection = self._connection()
        if connection is not None and connection.lacks_identity:
            self._lifecycle.close(connection, CloseCode.SESSION_UNKNOWN, "no token in time")
