"""The worker's map from channels to connections, and the fan-out. Pure.

Strategy: the broker hands over all that one socket read held. Publications that follow one another
on one channel are one run. A run that comes alone (the common case) goes to the channel's
connections as one shared batch. Where a read holds several channels, the frames are collected for
each connection first. So every connection gets one write, and connections with the same frames
share one batch.
"""

import logging
from collections.abc import Callable, Iterable, Iterator

from ..connections.batch import Batch
from ..connections.connection import Connection
from ..errors import BrokerUnavailable
from ..histogram import COUNTS, Histogram
from ..loop.hint_log import HintLog
from ..wire.errors import MarkupError, PayloadError
from ..wire.markup_payload import MarkupPayload
from ..wire.names import Names, namespace_of, owner_of
from ..wire.namespaces import Policy
from ..wire.protocol import Crowd
from ..wire.publication import ExcludingFrame, Publication, read_publication
from .audience import Audience
from .channel import Channel
from .channel_subscriber import ChannelSubscriber
from .coalescing import Coalescer, runs_of_held
from .collector import Collector
from .exclusion import Receivers, split
from .history import HistoryReply, HistoryRequest
from .history_queue import HistoryQueue
from .latencies import Latencies
from .markup_gate import MarkupGate
from .notices import Notices
from .pending_subscriptions import PendingSubscription, SubscriptionResult
from .presence_counts import PresenceCounts
from .touch_mark import LinkLoss
from .touch_pacing import TouchPacer

log = logging.getLogger("sockgate.hub")

_HINT_FOR_SIZE = "publish less at a time, or raise SOCKGATE_MAX_PUBLICATION"
_HINT_FOR_PLAIN = "its namespace has 'plain': false: publish it with Sockgate, in sequence"
_HINT_FOR_FORM = 'publish JSON, {"event": "...", "data": ...}'

Received = tuple[bytes, bytes]
"""A Redis channel and what was published there."""

Run = tuple[Channel | Receivers, list[bytes]]
"""A channel, or some of its connections, and the frames that follow one another on it."""


class Hub:
    """Channels to connections.

    Args:
        names: of Redis channels.
        subscription_state: subscribes in Redis.
        queue: takes each channel whose history must be read before it goes live.
        presence: counts subscribed connections.
        audience: says how many connections receive the same.
        policy_of: returns a channel's policy.
        markup: verifies what pages insert as markup.
        latencies: takes how long publications take.
        max_publication_bytes: larger publications are dropped and counted.
        pending_limit_bytes: how much may be pending on one channel while its history is read.

    ``notices`` wait until the read that brought them is fanned out.
    """

    def __init__(
        self,
        names: Names,
        subscription_state: ChannelSubscriber,
        queue: HistoryQueue,
        presence: PresenceCounts,
        audience: Audience,
        policy_of: Callable[[str], Policy],
        markup: MarkupGate,
        latencies: Latencies,
        *,
        max_publication_bytes: int,
        pending_limit_bytes: int,
    ) -> None:
        self._names = names
        self._subscription_state = subscription_state
        self._queue = queue
        self._presence = presence
        self.audience = audience
        self._policy_of = policy_of
        self.markup = markup
        self.latencies = latencies
        self._max_bytes = max_publication_bytes
        self._pending_limit_bytes = pending_limit_bytes
        self._channels: dict[bytes, Channel] = {}
        self.publications = 0
        self.deliveries = 0
        self.dropped = 0
        self.gaps = audience.gaps
        self._timed: list[tuple[Histogram, int]] = []
        self._reads_of_several = Histogram(COUNTS)
        self._drops = HintLog(log, "payload_dropped")
        self._coalescer = Coalescer(self._deliver_held)
        self._loss = LinkLoss()
        self._pacer = TouchPacer(audience, self._fan_out)
        self.notices = Notices(self._find)

    def subscribe(self, connection: Connection, name: str, pending: PendingSubscription) -> None:
        """Subscribe a connection to a channel, and confirm it once the channel is live."""
        key = self._key(name)
        channel = self._channels.get(key) or self._open(key, name)
        if channel.has(connection):
            return
        if name not in connection.channels:
            connection.channels += (name,)
        if channel.subscribe(connection, pending):
            self._presence.add(connection, name, channel.policy)
        else:
            self._queue.add(channel)

    def unsubscribe(self, connection: Connection, name: str) -> None:
        """Unsubscribe a connection from a channel, or cancel its pending subscription."""
        channel = self._find(name)
        if channel is None or not channel.has(connection):
            return
        if connection in channel.connections:
            self._presence.remove(connection, name)
        channel.unsubscribe(connection)
        connection.drop_held(name)
        self._forget(channel, connection)

    def unsubscribe_all(self, connection: Connection) -> None:
        """Unsubscribe a connection from all its channels."""
        for name in connection.channels:
            self.unsubscribe(connection, name)

    def is_subscribed(self, connection: Connection, name: str) -> bool:
        """Return whether a connection is subscribed to a channel; a pending one is not."""
        channel = self._find(name)
        return channel is not None and connection in channel.connections

    def pending_subscription(self, connection: Connection, name: str) -> PendingSubscription | None:
        """Return the pending subscription of a connection to a channel."""
        channel = self._find(name)
        return channel.pending_subscriptions.get(connection) if channel else None

    def result_of(self, name: str) -> SubscriptionResult:
        """Return where the connections of a channel are."""
        channel = self._channels[self._key(name)]
        return SubscriptionResult(channel.position, touched=channel.mark.known)

    def is_live(self, name: str) -> bool:
        """Return whether publications of a channel are delivered as they arrive."""
        channel = self._find(name)
        return channel is not None and channel.is_live

    def arrival(self, connection: Connection, name: str) -> Crowd:
        """Return what a frame says that confirms a subscription of this connection."""
        crowd = self.audience.of_arrival(connection.id)
        return {**crowd, "pages": self.pages_with(connection, name)}

    def pages_with(self, connection: Connection, name: str) -> int:
        """Return about how many connections a channel has in all workers, with this one."""
        channel = self._channels[self._key(name)]
        return self.audience.of(len(channel.connections) + (connection not in channel.connections))

    def connections_on(self, name: str) -> tuple[Connection, ...]:
        """List the connections that are subscribed to a channel."""
        channel = self._find(name)
        return tuple(channel.connections) if channel else ()

    def has(self, name: str) -> bool:
        """Return whether a connection is subscribed to a channel, or is about to be."""
        return self._key(name) in self._channels

    def renewals(self) -> list[HistoryRequest]:
        """Return what to read so that positions live on that only clients have asked for."""
        channels = self._channels.values()
        return [request for channel in channels if (request := channel.renewal())]

    def channels(self) -> list[str]:
        """List the channels of this worker."""
        return [channel.name for channel in self._channels.values()]

    def fan_out(self, received: list[Received]) -> None:
        """Fan out the notices that wait, then publications of the broker, in their order."""
        count = len(received)
        self.publications += count
        if count > 1:  # ``read_sizes`` knows how many came alone: these are the most.
            self._reads_of_several.observe(count)
        runs = self._runs(received)
        if len(runs) == 1 and not self.notices.waiting:
            receivers, frames = runs[0]
            self._fan_out(receivers, frames)
        elif runs or self.notices.waiting:
            self._fan_out_collected(runs)
        if self._timed:
            timed, self._timed = self._timed, []
            self.latencies.observe(timed)
        for channel, _ in runs:
            if not channel.is_live and isinstance(channel, Channel):
                self._enqueue(channel)

    def read_sizes(self) -> list[float]:
        """Return how many publications each read held, as ``Histogram.read``."""
        ones = self.publications - self._reads_of_several.total
        count, *counts, _ = self._reads_of_several.read()
        return [count + ones, *counts, float(self.publications)]

    def link_lost(self) -> None:
        """Keep publications of every channel pending: some are missed from now on."""
        self._coalescer.drop_held()
        self._loss.begin()
        self._lose(list(self._channels.values()))

    def recovering(self) -> Iterator[str]:
        """Yield the channels that are not live yet after the loss of the link, or of their part."""
        for channel in self._channels.values():
            if channel.is_lossy and not channel.is_empty:
                yield channel.name

    def part_lost(self, part: str, keys: Iterable[bytes]) -> None:
        """Keep publications of these Redis channels pending: their part of Redis is away."""
        self._loss.begin_part(part)
        self._lose([channel for key in keys if (channel := self._channels.get(key))])

    def part_restored(self, part: str) -> None:
        """Note that a part of Redis has answered."""
        self._loss.end_part(part)

    def channels_moved(self, keys: Iterable[bytes]) -> None:
        """Keep publications of these Redis channels pending: they come from elsewhere now."""
        self._lose([channel for key in keys if (channel := self._channels.get(key))])

    def _lose(self, channels: Iterable[Channel]) -> None:
        for channel in channels:
            channel.link_lost()
            self._enqueue(channel)

    def apply_history(self, channel: Channel, reply: HistoryReply) -> None:
        """Bring a channel up to date with its history, and complete its pending subscriptions."""
        for connection in channel.apply_history(self.markup.admit_history(channel, reply)):
            self._presence.add(connection, channel.name, channel.policy)
        self._enqueue(channel)

    def history_unavailable(self, channel: Channel, error: BrokerUnavailable) -> None:
        """Reject the pending subscriptions of a channel."""
        for connection in channel.history_unavailable(error):
            self._forget(channel, connection)
        if not channel.is_live and not channel.is_empty:
            self._queue.postpone(channel)

    def policies_changed(self) -> None:
        """Apply the policy of every channel again."""
        for channel in list(self._channels.values()):
            channel.apply_policy(self._policy_of(channel.name))
            channel.latency = self.latencies.of(namespace_of(channel.name))
            self._enqueue(channel)

    def _open(self, key: bytes, name: str) -> Channel:
        policy, limit_bytes = self._policy_of(name), self._pending_limit_bytes
        latency = self.latencies.of(namespace_of(name))
        channel = Channel(name, policy, limit_bytes, self.audience, self._loss, latency)
        self._channels[key] = channel
        self._subscription_state.subscribe(name)
        return channel

    def _forget(self, channel: Channel, connection: Connection) -> None:
        connection.channels = tuple(name for name in connection.channels if name != channel.name)
        key = self._key(channel.name)
        if channel.is_empty and self._channels.get(key) is channel:
            del self._channels[key]
            self._subscription_state.unsubscribe(channel.name)

    def _enqueue(self, channel: Channel) -> None:
        """Let the history of a channel be read if it is not live."""
        if not channel.is_live and not channel.is_empty:
            self._queue.add(channel)

    def _runs(self, received: list[Received]) -> list[Run]:
        runs: list[Run] = []
        frames: list[bytes] = []
        latest: Channel | None = None
        channel_of, read = self._channels.get, self._read
        for key, raw in received:
            channel = channel_of(key)
            if channel is None:
                continue
            if channel is not latest:
                latest, frames = channel, []
                runs.append((channel, frames))
            frame = read(channel, raw)
            if type(frame) is bytes:
                frames.append(frame)
            elif isinstance(frame, ExcludingFrame):
                runs += split(channel.connections, frame, channel.conflation_key)
                latest = None
        return runs

    def _read(self, channel: Channel, raw: bytes) -> bytes | None:
        """Return the frame of a publication; drop what cannot be delivered."""
        if len(raw) > self._max_bytes:
            self._drop(channel, f"{len(raw)} bytes are too many", _HINT_FOR_SIZE)
            return None
        try:
            publication = read_publication(raw)
            if type(publication.payload) is MarkupPayload:
                publication = self.markup.admit(channel, publication)
        except PayloadError as error:
            self._drop(channel, str(error), _HINT_FOR_FORM)
            return None
        except MarkupError:
            return None  # The gate has counted and logged it.
        if not (publication.offset or channel.policy.plain or publication.touch):
            self._drop(channel, "a plain publication", _HINT_FOR_PLAIN)
            return None
        is_held = publication.coalescing and publication.touch is None
        if is_held and not self._coalescer.passes(channel, publication):
            return None
        frame = channel.receive(publication)
        if publication.touch is not None and frame and not self._pacer.passes(channel, publication):
            return None
        if publication.published_ms and frame:
            self._timed.append((channel.latency, publication.published_ms))
        return frame

    def _deliver_held(self, channel: Channel, last: int, publication: Publication) -> None:
        """Deliver a publication at its window's end; a channel opened later may be further."""
        if self._channels.get(self._key(channel.name)) is not channel:
            return
        for receivers, frames in runs_of_held(channel, last, publication):
            self._fan_out(receivers, frames)

    def _drop(self, channel: Channel, cause: str, hint: str) -> None:
        self.dropped += 1
        if self._drops.is_due(channel.name, owner_of(channel.name)):
            self._drops.warn("channel=%s cause=%r", channel.name, cause, hint=hint)

    def _fan_out(self, channel: Channel | Receivers, frames: list[bytes]) -> None:
        if not frames:
            return
        key = channel.conflation_key
        if key is None:
            batch = Batch(tuple(frames))
            for connection in channel.connections:
                connection.outlet.send(batch)
        else:
            # One by one where the newest may replace the others: a socket may take only some.
            for batch in [Batch((frame,), key) for frame in frames]:
                for connection in channel.connections:
                    connection.outlet.send(batch)
        self.deliveries += len(channel.connections) * len(frames)

    def _fan_out_collected(self, runs: list[Run]) -> None:
        collector = Collector()
        self.notices.collect(collector)
        for channel, frames in runs:
            if not frames or channel.conflation_key is not None:
                self._fan_out(channel, frames)
                continue
            self.deliveries += len(channel.connections) * len(frames)
            collector.add(channel.connections, frames)
        collector.send()

    def _find(self, name: str) -> Channel | None:
        return self._channels.get(self._key(name))

    def _key(self, name: str) -> bytes:
        return self._names.channel(name).encode()
