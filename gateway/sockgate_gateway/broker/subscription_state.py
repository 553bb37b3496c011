"""Which channels a worker subscribes in Redis: those with connections, and its own.

A channel without connections stays subscribed for a while, because users click from page to page.
"""

from collections.abc import Iterable

from ..loop.timer_wheel import TimerWheel
from ..wire.names import Names
from .subscriptions import Subscriptions


class SubscriptionState(Subscriptions):
    """The subscriptions of one worker.

    Args:
        names: of this deployment.
        wheel: for the release of channels without connections.
        release_delay_s: how long these stay subscribed.
        permanent: Redis channels that are always subscribed.
    """

    def __init__(
        self, names: Names, wheel: TimerWheel, release_delay_s: float, permanent: Iterable[bytes]
    ) -> None:
        super().__init__()
        self._names = names
        self._wheel = wheel
        self._release_delay_s = release_delay_s
        self._wanted.update(permanent)
        self._idle_since: dict[bytes, float] = {}

    def subscribe(self, channel: str) -> None:
        """Subscribe a channel, which has its first connection."""
        key = self._key(channel)
        self._idle_since.pop(key, None)
        self.add(key)

    def unsubscribe(self, channel: str) -> None:
        """Unsubscribe a channel, which has no connection, after the release delay."""
        self._idle_since[self._key(channel)] = self._wheel.clock()
        self._wheel.schedule(self, self._release_delay_s)

    def on_timer(self, now: float) -> None:
        """Release the channels whose delay has passed."""
        delay_s = self._release_delay_s
        for key in [key for key, since in self._idle_since.items() if now - since >= delay_s]:
            del self._idle_since[key]
            self.remove(key)

    def unconfirmed(self, channels: Iterable[str]) -> list[bytes]:
        """List the Redis channels among these that Redis has not confirmed."""
        keys = map(self._key, channels)
        return [key for key in keys if key not in self._confirmed]

    def _key(self, channel: str) -> bytes:
        return self._names.channel(channel).encode()
