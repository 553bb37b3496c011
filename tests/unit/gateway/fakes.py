"""A clock that obeys the test, and a browser that writes down what it is given."""

from collections.abc import Callable
from time import time

from sockgate_gateway.channels.audience import Audience
from sockgate_gateway.channels.channel import Channel
from sockgate_gateway.channels.channel_subscriber import ChannelSubscriber
from sockgate_gateway.channels.history import HistoryReply
from sockgate_gateway.channels.history_queue import HistoryQueue
from sockgate_gateway.channels.hub import Hub
from sockgate_gateway.channels.latencies import Latencies
from sockgate_gateway.channels.markup_gate import MarkupGate
from sockgate_gateway.channels.pending_subscriptions import SubscriptionResult
from sockgate_gateway.channels.presence_counts import PresenceCounts
from sockgate_gateway.connections.batch import Batch
from sockgate_gateway.connections.connection import Connection
from sockgate_gateway.connections.journal import Journal
from sockgate_gateway.connections.replay_budget import ReplayBudget, ReplayRoom
from sockgate_gateway.errors import BrokerUnavailable
from sockgate_gateway.loop.timer_wheel import TimerWheel
from sockgate_gateway.wire.closecodes import CloseCode
from sockgate_gateway.wire.contract import Position
from sockgate_gateway.wire.markup import MarkupSigner
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import Policy

TICK_S = 0.5


class Clock:
    """Seconds that the test advances, and the wheel that turns with them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wheel = TimerWheel(self.read, TICK_S)

    def read(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + TICK_S, end)
            self.wheel.turn()

    def hang(self, seconds: float) -> None:
        """Let time pass in which the process does nothing."""
        self.now += seconds
        self.wheel.turn()


class FakeTransport:
    """A transport that keeps what it was given."""

    name = "fake"
    agent = "a browser"
    has_unsent = has_unread = is_over_http = False
    unsent_bytes = 0

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.codes: list[CloseCode] = []
        self.reason = ""

    @property
    def frames(self) -> list[bytes]:
        return [frame for batch in self.batches for frame in batch.frames]

    def send(self, batch: Batch) -> None:
        self.batches.append(batch)

    def close(self, code: CloseCode, reason: str = "") -> None:
        self.codes.append(code)
        self.reason = reason or code.reason


def new_connection(
    *, address: str = "192.0.2.1", held_limit_bytes: int = 1000, name: str = "id"
) -> Connection:
    return Connection(name, FakeTransport(), address, held_limit_bytes)


def new_room(connection: Connection, limit_bytes: int) -> ReplayRoom:
    """Give what a connection may be given of the past."""
    return ReplayBudget(Clock().wheel, limit_bytes).room_for(connection)


def ignore(*_: object) -> None:
    """Take whatever a collaborator is given, and do nothing."""


WITHOUT_HISTORY = Policy(recover=False)


def without_history(channel: str) -> Policy:
    """The policy of every channel, unless a test has others."""
    return WITHOUT_HISTORY


class SilentJoin:
    """A join that requests no recovery and sends nothing."""

    since: Position | None = None
    newest: int = 0
    connection = new_connection()
    channel = "channel"
    room = new_room(connection, 1)

    def confirm(self, result: SubscriptionResult) -> None: ...

    def fail(self, error: BrokerUnavailable) -> None: ...

    def cancel(self) -> None: ...


class ImmediateHistory(HistoryQueue):
    """A queue whose channels go live at once, as if Redis had no history and took no time.

    While ``is_held``, channels stay in the queue, as when Redis is slow.
    """

    hub: Hub
    is_held = False

    def add(self, channel: Channel) -> None:
        super().add(channel)
        if not self.is_held:
            self.release()

    def release(self) -> None:
        for channel in self.take(len(self)):
            channel.history_request()
            self.hub.apply_history(channel, HistoryReply(None))


MARKUP = MarkupSigner(["a-signing-key-of-the-tests-0123456789"])


def new_hub(
    names: Names,
    subscriber: ChannelSubscriber,
    max_publication_bytes: int,
    policy_of: Callable[[str], Policy] = without_history,
    *,
    queue: HistoryQueue | None = None,
    counts: PresenceCounts | None = None,
    signer: MarkupSigner = MARKUP,
    wall_clock: Callable[[], float] = time,
) -> Hub:
    """The product's hub; without a queue of the test, its channels go live at once."""
    queue = ImmediateHistory() if queue is None else queue
    counts = counts or PresenceCounts()
    hub = Hub(
        names,
        subscriber,
        queue,
        counts,
        Audience(counts, 100, Journal()),
        policy_of,
        MarkupGate(names, signer),
        Latencies(wall_clock, lambda: None, tuple),
        max_publication_bytes=max_publication_bytes,
        pending_limit_bytes=1024 * 1024,
    )
    if isinstance(queue, ImmediateHistory):
        queue.hub = hub
    return hub
