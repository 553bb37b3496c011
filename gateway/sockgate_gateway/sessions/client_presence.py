"""Data that a page sets about itself, where the namespace of the channel allows it.

Strategy: it is hostile as any publication of a client is, and goes to the same connections. So
it costs as many frames, and the same limit of a user. It ends with the subscription.
"""

from ..channels.barrier import Barrier
from ..channels.hub import Hub
from ..channels.page_data import MAX_PAGES
from ..channels.policies import Policies
from ..channels.presence import Presence
from ..connections.connection import Connection
from ..errors import BrokerUnavailable, Rejected
from ..wire import protocol
from ..wire.contract import PresenceSet, SetPresence
from ..wire.limits import FRAMES_EACH, MAX_DATA_BYTES
from ..wire.presence import is_data
from .lifecycle import Lifecycle

_NOTHING = b"null"


class ClientPresence:
    """Set data for pages.

    Args:
        lifecycle: limits frames.
        hub: has the subscriptions.
        policies: says where pages may set data.
        presence: keeps the data.
        barrier: waits for control messages: one that ends the session may be under way.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        hub: Hub,
        policies: Policies,
        presence: Presence,
        barrier: Barrier,
    ) -> None:
        self._lifecycle = lifecycle
        self._hub = hub
        self._policies = policies
        self._presence = presence
        self._barrier = barrier

    async def set(self, connection: Connection, frame: SetPresence) -> None:
        """Set the data of a connection on a channel; ``null`` removes it.

        Raises:
            Rejected: it is not allowed, is not an object, is too large, or the user sets too much.
            BrokerUnavailable: the session is in doubt.
        """
        channel, uid = frame.channel, connection.uid
        self._require_right(connection, channel)
        data = b"" if bytes(frame.data) == _NOTHING else bytes(frame.data)
        if data and not is_data(data):
            raise Rejected("bad_data", f"it must be an object of {MAX_DATA_BYTES} bytes at most")
        if not self._lifecycle.allow_frames(connection, FRAMES_EACH - 1):
            return
        if not self._lifecycle.allow_publication(uid or "", FRAMES_EACH):
            raise Rejected("too_many", "too much, over all connections; try again later")
        await self._barrier.synchronize()
        if not connection.is_open:
            return
        if connection.is_suspended or connection.uid != uid:
            raise BrokerUnavailable("the session is being read again")
        self._require_right(connection, channel)
        if not self._presence.set_page_data(connection, channel, data):
            raise Rejected("too_many", f"{MAX_PAGES} pages of a user may have data on a channel")
        connection.send(protocol.write(PresenceSet(channel, frame.id)))

    def _require_right(self, connection: Connection, channel: str) -> None:
        is_allowed = self._policies.of(channel).presence_data == "subscribers"
        if connection.uid is None or not is_allowed:
            raise Rejected("not_allowed", "you may not set data here")
        if not self._hub.is_subscribed(connection, channel):
            raise Rejected("not_allowed", "you may not set data here")
