"""The interface between the parts of a worker and their broker: Redis, or a stand-in."""

from collections.abc import Sequence
from typing import Protocol

from ..channels.channel_subscriber import ChannelSubscriber
from ..channels.policies import NamespacesReader
from ..channels.presence_store import PresenceStore
from ..channels.recovery import Confirmations, History
from ..connections.connection import Claim
from ..sessions.authenticator import SessionReader
from ..sessions.client_publish import PublicationSink
from ..sessions.control import ReplySink
from ..sessions.grants import Revocations
from ..wire.names import Names


class Sessions(SessionReader, Protocol):
    """Reads sessions, and prolongs them."""

    async def prolong(self, claims: Sequence[Claim]) -> None:
        """Let sessions expire later.

        Raises:
            BrokerUnavailable: Redis does not answer now.
        """


class BrokerInterface(Protocol):
    """A broker, as the parts of a worker see it."""

    @property
    def names(self) -> Names:
        """The names of Redis keys and channels."""

    @property
    def subscription_state(self) -> ChannelSubscriber:
        """Subscribes to channels."""

    @property
    def pubsub(self) -> Confirmations:
        """Confirms subscriptions, and is a barrier."""

    @property
    def sessions(self) -> Sessions:
        """Reads sessions."""

    @property
    def namespaces(self) -> NamespacesReader:
        """Reads the namespaces that Django has declared."""

    @property
    def presence(self) -> PresenceStore:
        """Keeps presence."""

    @property
    def publisher(self) -> PublicationSink:
        """Publishes."""

    @property
    def revocations(self) -> Revocations:
        """Reads revoked grants."""

    @property
    def audience(self) -> ReplySink:
        """Pushes counts of connections."""

    def clock_offset_s(self) -> float | None:
        """Return how far the clock of Redis is ahead of ours; None: not known."""

    def history(self, limit_bytes: int) -> History:
        """Return a reader of histories, which reads at most ``limit_bytes`` of each channel."""
