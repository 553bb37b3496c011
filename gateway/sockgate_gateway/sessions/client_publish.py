"""Publications of clients, where the namespace of the channel allows them.

Strategy: a client publishes to the subscribers of a channel, but never in the name of the server.
Its events begin with ``client-``, so no handler of a page confuses them with events of the server.
Each publication carries the uid that the gateway has verified. Otherwise it is like a publication
of Django: sequenced and kept for recovery, if the namespace says so.
"""

from typing import Protocol

from ..channels.barrier import Barrier
from ..channels.hub import Hub
from ..channels.policies import Policies
from ..connections.connection import Connection
from ..errors import BrokerUnavailable, Rejected
from ..wire import protocol
from ..wire.contract import Publish, Published
from ..wire.limits import CLIENT_EVENT_PREFIX, FRAMES_EACH, MAX_EVENT_LENGTH
from ..wire.namespaces import Policy
from ..wire.publication import user_payload
from ..wire.publish_request import PublishRequest
from .lifecycle import Lifecycle


class PublicationSink(Protocol):
    """Sends publications to Redis."""

    async def publish(self, request: PublishRequest) -> int:
        """Send a publication, and return its offset; 0 for a plain one.

        Raises:
            BrokerUnavailable: Redis did not accept it, or did not answer.
        """


class ClientPublisher:
    """Publish for clients.

    Args:
        lifecycle: limits frames.
        hub: has the subscriptions.
        policies: says where clients may publish.
        sink: sends their publications.
        barrier: waits for control messages: one that ends the session may be under way.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        hub: Hub,
        policies: Policies,
        sink: PublicationSink,
        barrier: Barrier,
    ) -> None:
        self._lifecycle = lifecycle
        self._hub = hub
        self._policies = policies
        self._sink = sink
        self._barrier = barrier

    async def publish(self, connection: Connection, frame: Publish) -> None:
        """Publish for a connection.

        Raises:
            Rejected: it is not allowed, the event has another prefix than ``client-``, or the user
                publishes too much.
            BrokerUnavailable: as for ``PublicationSink.publish``.
        """
        channel = frame.channel
        policy, uid = self._policies.of(channel), connection.uid
        if uid is None or not self._may_publish(connection, channel, policy):
            raise Rejected("not_allowed", "you may not publish here")
        if not _is_event(frame.event):
            raise Rejected("bad_event", f"an event of a browser begins with {CLIENT_EVENT_PREFIX}")
        if not self._lifecycle.allow_frames(connection, FRAMES_EACH - 1):
            return
        if not self._lifecycle.allow_publication(uid, FRAMES_EACH):
            raise Rejected(
                "too_many", "too many publications, over all connections; try again later"
            )
        await self._barrier.synchronize()
        if not connection.is_open:
            return
        if connection.is_suspended or connection.uid != uid:
            raise BrokerUnavailable("the session is being read again")
        if not self._may_publish(connection, channel, policy):
            raise Rejected("not_allowed", "you may not publish here")
        payload = user_payload(frame.event, frame.data, uid)
        kept = policy if policy.history > 0 else None
        request = PublishRequest(channel, payload, kept, position_ttl_s=policy.client_ttl_s)
        offset = await self._sink.publish(request)
        if connection.is_open:
            connection.send(protocol.write(Published(channel, offset, frame.id)))

    def _may_publish(self, connection: Connection, channel: str, policy: Policy) -> bool:
        return policy.publish == "subscribers" and self._hub.is_subscribed(connection, channel)


def _is_event(name: str) -> bool:
    least = len(CLIENT_EVENT_PREFIX)
    return name.startswith(CLIENT_EVENT_PREFIX) and least < len(name) <= MAX_EVENT_LENGTH
