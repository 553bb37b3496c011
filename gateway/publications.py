"""What browsers publish, where their channel's namespace lets them.

Strategy: a browser speaks to those who hear the same channel, never as the server does. Its events
have names that no server uses, so that no handler of a page takes them for the server's, and each
publication bears the user's name as the gateway knows it. All else is as if Django had published:
kept, in order, for those who come back, if the namespace says so.
"""

from typing import Protocol

from .connection import Connection, State
from .endpoint import Endpoint
from .errors import Denied
from .namespaces import PolicyBook
from .wire import messages
from .wire.namespaces import Policy
from .wire.outgoing import Outgoing
from .wire.publication import user_payload

EVENT_PREFIX = "client-"
MAX_EVENT_LENGTH = 100

FRAMES_EACH = 10
"""A publication goes to many, so it counts as so many frames."""


class Press(Protocol):
    """Where publications are sent."""

    async def publish(self, outgoing: Outgoing) -> int:
        """Send one, and give its offset; 0 for a plain one.

        Raises:
            BrokerUnavailable: Redis did not take it, or it is not known whether it did.
        """


class Publications:
    """Let browsers publish.

    Args:
        endpoint: knows who hears what, and how much each browser says.
        policies: tells where they may.
        press: sends what they publish.
    """

    def __init__(self, endpoint: Endpoint, policies: PolicyBook, press: Press) -> None:
        self._endpoint = endpoint
        self._policies = policies
        self._press = press

    async def publish(self, connection: Connection, frame: messages.Publish) -> None:
        """Publish for a browser.

        Raises:
            Denied: it may not, or the event has no name for it.
            BrokerUnavailable: as for ``Press.publish``.
        """
        channel = frame.channel
        policy, uid = self._policies.of(channel), connection.uid
        if uid is None or not self._may_publish(connection, channel, policy):
            raise Denied("not_allowed", "you may not publish here")
        if not _is_event(frame.event):
            raise Denied("bad_event", f"an event of a browser begins with {EVENT_PREFIX}")
        if not self._endpoint.admits(connection, FRAMES_EACH - 1):
            return
        payload = user_payload(frame.event, frame.data, uid)
        kept = policy if policy.history > 0 else None
        offset = await self._press.publish(Outgoing(channel, payload, kept))
        if connection.state is State.OPEN:
            connection.send(messages.published(channel, offset, frame.id))

    def _may_publish(self, connection: Connection, channel: str, policy: Policy) -> bool:
        return policy.publish == "subscribers" and self._endpoint.hub.hears(connection, channel)


def _is_event(name: str) -> bool:
    return name.startswith(EVENT_PREFIX) and len(EVENT_PREFIX) < len(name) <= MAX_EVENT_LENGTH
