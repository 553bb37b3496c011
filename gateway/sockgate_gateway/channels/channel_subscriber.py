"""The hub's interface to the subscriptions of its worker in Redis."""

from typing import Protocol


class ChannelSubscriber(Protocol):
    """The subscriptions of this worker in Redis."""

    def subscribe(self, channel: str) -> None:
        """Subscribe to a channel, soon."""

    def unsubscribe(self, channel: str) -> None:
        """Unsubscribe from a channel, in a while."""
