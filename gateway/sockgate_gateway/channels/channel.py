"""The state of one channel in a worker: its connections, its position, and its order. Pure.

Strategy: a channel is live, or its publications are pending (``states.py``). While it is live,
each sequenced publication must follow the last one (``order.py``); plain publications pass.
Publications are pending from the beginning until Redis has confirmed the subscription and the
position was read. They are pending again after a hole in the sequence or a step back in it, after
the loss of the link, and while a pending subscription needs kept publications. ``apply_history``
takes one reply for all connections: subscribed ones receive what they lack, pending ones what they
missed, or each receives ``gap``. Pending publications follow, without those that the reply held.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from ..connections.batch import Batch
from ..connections.connection import Connection
from ..errors import BrokerUnavailable, GatewayError
from ..histogram import Histogram
from ..wire import protocol
from ..wire.contract import Gap, Position
from ..wire.namespaces import Policy
from ..wire.publication import Publication, publication_frame, publication_head
from .audience import Audience
from .buffer import PendingPublications
from .exclusion import deliver
from .history import HistoryReply, HistoryRequest, is_stale_for, request_after, wants_history
from .order import Deliveries, begins_epoch, is_repeated
from .pending_subscriptions import PendingSubscription
from .replay import charge_cancelled, confirm, gap_cause, newest, replay, with_stated_touches
from .states import AWAITS_REPLY, INITIAL, MAY_LACK_PLAIN, TRANSITIONS, Event, State
from .touch_mark import LinkLoss, TouchMark


class Channel:
    """A channel with at least one connection that is subscribed, or is about to be.

    Args:
        name: as clients know it.
        policy: of its namespace.
        pending_limit_bytes: how many bytes of payloads may be pending.
        audience: says how many connections receive a touch or a gap, and counts gaps.
        loss: says when touches may have been lost.
        latency: of its namespace; the hub observes there.

    ``position`` is the last position that the connections were brought to; None: unknown.
    ``state`` and ``_buffer`` change in ``_transition`` alone.
    ``conflation_key`` names what a newer publication may replace; None: nothing.
    ``state_count``: how many of the newest publications a newcomer receives; ``mark``: of touches.
    ``_cancelled``: subscriptions that ended while the history was read for them.
    ``connections`` has the number of each subscription; ``last_subscription`` is the last one.
    """

    __slots__ = (
        "_audience",
        "_buffer",
        "_cancelled",
        "_deliveries",
        "_lacks_plain",
        "_pending_limit_bytes",
        "_received",
        "conflation_key",
        "connections",
        "head",
        "last_subscription",
        "latency",
        "mark",
        "name",
        "pending_subscriptions",
        "policy",
        "position",
        "state",
        "state_count",
    )

    def __init__(
        self,
        name: str,
        policy: Policy,
        pending_limit_bytes: int,
        audience: Audience,
        loss: LinkLoss,
        latency: Histogram,
    ) -> None:
        self.name = name
        self.head = publication_head(name)
        self._use_policy(policy)
        self.connections: dict[Connection, int] = {}
        self.last_subscription = 0
        self.pending_subscriptions: dict[Connection, PendingSubscription] = {}
        self.position: Position | None = None
        self.mark = TouchMark(loss)
        self.latency = latency
        self.state = INITIAL
        self._buffer: PendingPublications | None = PendingPublications(pending_limit_bytes)
        self._pending_limit_bytes = pending_limit_bytes
        self._audience = audience
        self._cancelled: list[PendingSubscription] = []
        self._lacks_plain = False
        self._received: Position | None = None
        self._deliveries = Deliveries()

    @property
    def is_live(self) -> bool:
        """Whether publications are delivered as they arrive."""
        return self._buffer is None

    @property
    def is_lossy(self) -> bool:
        """Whether plain publications may have been missed since the channel was live."""
        return self.state in MAY_LACK_PLAIN

    @property
    def is_empty(self) -> bool:
        """Whether no connection is subscribed, or is about to be."""
        return not self.connections and not self.pending_subscriptions

    def has(self, connection: Connection) -> bool:
        """Return whether a connection is subscribed, or is about to be."""
        return connection in self.connections or connection in self.pending_subscriptions

    def subscribe(self, connection: Connection, subscription: PendingSubscription) -> bool:
        """Subscribe a connection at once (True), or when the history was read (False)."""
        if self._buffer is None and self._needs_no_history(subscription):
            reply = HistoryReply(self.position, (), self.mark.known)
            self._complete(connection, subscription, reply)
            return True
        self.pending_subscriptions[connection] = subscription
        self._transition(Event.HISTORY_NEEDED)
        return False

    def unsubscribe(self, connection: Connection) -> None:
        """Remove a connection, and cancel its pending subscription."""
        self.connections.pop(connection, None)
        subscription = self.pending_subscriptions.pop(connection, None)
        if subscription is not None:
            if self.state in AWAITS_REPLY and wants_history(subscription, self.state_count):
                self._cancelled.append(subscription)
            subscription.cancel()

    def receive(self, publication: Publication) -> bytes | None:
        """Return the frame to deliver; None when the publication is pending or a repetition."""
        if self._buffer is not None:
            self._keep(self._buffer, publication)
            return None
        if publication.offset:
            if not self.policy.recover:
                publication = replace(publication, epoch="", offset=0)
            elif not self._advance(publication):
                return None
        if publication.touch is not None:
            publication = self.mark.receive(publication, self._audience.of(len(self.connections)))
        return publication_frame(self.head, publication)

    def link_lost(self) -> None:
        """Keep publications pending: some are missed from now on."""
        self._lacks_plain = True
        self._deliveries.forget()
        self._drop_pending()

    def apply_policy(self, policy: Policy) -> None:
        """Use another policy from now on."""
        if policy.recover != self.policy.recover:
            self.position = self._received = None
            self._deliveries.forget()
            self._transition(Event.RECOVERY_SWITCHED)
        self._use_policy(policy)

    def history_request(self) -> HistoryRequest:
        """Note that the history is read from now on."""
        buffer = self._transition(Event.REQUESTED)
        subscriptions, is_shared = self.pending_subscriptions.values(), bool(self.connections)
        after = request_after(subscriptions, self.position, self.state_count, is_shared=is_shared)
        buffer.note_request(after)
        if not self.policy.recover:
            return HistoryRequest(self.name, has_history=False)
        seen, ttl_s = buffer.furthest(self.position), self.policy.client_ttl_s
        return HistoryRequest(self.name, seen, after, ttl_s=ttl_s)

    def renewal(self) -> HistoryRequest | None:
        """Return a request that lets the position live on; None: it does so by itself."""
        at, policy = self.position, self.policy
        is_silent = policy.public and policy.recover and at is not None and not at[1]
        return HistoryRequest(self.name, at, ttl_s=policy.client_ttl_s) if is_silent else None

    def apply_history(self, reply: HistoryReply) -> list[Connection]:
        """Deliver missed publications or ``gap``, then go live with what is pending.

        A reply that was requested before the link was lost changes nothing.

        Returns:
            The connections that are subscribed from now on.
        """
        buffer, known = self._buffer, self.position
        charge_cancelled(self._cancelled, reply, self.state_count)
        self._cancelled = []
        if buffer is None or self.state not in AWAITS_REPLY:
            return []
        lacks_touches = self.mark.read(reply.touched)
        audience = self._audience.of(len(self.connections))
        reply = with_stated_touches(reply, audience, self.mark.known)
        self._deliver_missed(reply, lacks_touches=lacks_touches)
        self._lacks_plain = False
        self._deliveries.settle()
        self._go_on_from(reply.position)
        waiting, self.pending_subscriptions = self.pending_subscriptions, {}
        for connection, subscription in waiting.items():
            if is_stale_for(reply, subscription, self.state_count, buffer, known):
                self.pending_subscriptions[connection] = subscription
            else:
                self._complete(connection, subscription, reply)
        self._transition(Event.REPLIED)
        self._deliver(self._frames(buffer.still_due() if self.policy.recover else buffer))
        if self.pending_subscriptions:
            self._transition(Event.HISTORY_NEEDED)  # A part of it, once more.
        return [connection for connection in waiting if connection in self.connections]

    def history_unavailable(self, error: BrokerUnavailable) -> list[Connection]:
        """Reject the pending subscriptions; go live again if nothing is missing.

        Returns:
            The connections whose subscriptions were rejected.
        """
        waiting, self.pending_subscriptions = self.pending_subscriptions, {}
        for subscription in waiting.values():
            subscription.fail(error)
        self._transition(Event.UNAVAILABLE)
        buffer = self._buffer
        if buffer is not None and self.position is not None and self.state not in MAY_LACK_PLAIN:
            self._transition(Event.RESUMED)
            self._deliver(self._frames(buffer))
        return list(waiting)

    def _transition(self, event: Event) -> PendingPublications:
        """Go to the next state, and return the buffer that it uses.

        Raises:
            GatewayError: the table has no such transition.
        """
        try:
            self.state = TRANSITIONS[self.state][event]
        except KeyError:
            cause = f"{event.name} cannot happen in state {self.state.name}"
            raise GatewayError(cause) from None
        buffer = self._buffer or PendingPublications(self._pending_limit_bytes)
        self._buffer = None if self.state is State.LIVE else buffer
        return buffer

    def _use_policy(self, policy: Policy) -> None:
        self.policy = policy
        self.conflation_key = self.head if policy.overflow == "latest" else None
        self.state_count = 1 if policy.state == "latest" else 0

    def _needs_no_history(self, subscription: PendingSubscription) -> bool:
        if not self.policy.recover:
            return True
        if self.position is None or subscription.since == self.position:
            return self.position is not None
        # Nothing is read for a user who may recover nothing now.
        return not (wants_history(subscription, self.state_count) and subscription.room.may_recover)

    def _complete(
        self, connection: Connection, subscription: PendingSubscription, reply: HistoryReply
    ) -> None:
        """Subscribe a connection, and deliver what it missed."""
        frames = confirm(subscription, reply, self.head, self._audience, self.state_count)
        self.last_subscription += 1
        self.connections[connection] = self.last_subscription
        if frames:
            self._audience.recovered.observe(len(frames))
            connection.outlet.send(Batch(frames))

    def _deliver_missed(self, reply: HistoryReply, *, lacks_touches: bool) -> None:
        """Deliver what the subscribed connections lack, and ``gap`` where something is missing."""
        if not self.connections:
            return
        missed = None if self.position is None else reply.after(self.position)
        if missed is not None:
            pending = self._buffer
            self._deliver(replay(self.head, pending.with_exclusions(missed) if pending else missed))
        lacks = {"lacks_plain": self._lacks_plain, "lacks_touches": lacks_touches}
        is_doubtful = self._deliveries.are_doubtful
        if cause := gap_cause(reply, self.position, self.policy, **lacks, is_doubtful=is_doubtful):
            # Where only plain publications are missing, the newest sequenced one was delivered.
            count = 0 if missed or cause in ("plain", "touch") else self.state_count
            position, frames = newest(self.head, reply, count)
            known, number = self.position, len(self.connections)
            self._audience.count_gaps(self.name, cause, number, known, position)
            crowd = self._audience.of_gap(number, is_of_all=self.is_lossy)
            at = protocol.position(position)
            gap = Gap(self.name, **at, touched=reply.touched, **crowd)
            self._deliver((protocol.write(gap), *frames))

    def _go_on_from(self, position: Position | None) -> None:
        # What the reply held may still arrive on the link: in order, from wherever that is.
        is_same = self._received and position and self._received[0] == position[0]
        self._received = (position[0], 0) if position and is_same else None
        self.position = position

    def _advance(self, publication: Publication) -> bool:
        """Go on to a sequenced publication; False: it is repeated, or pending after a hole."""
        at = (publication.epoch, publication.offset)
        is_next = self.position == (publication.epoch, publication.offset - 1)
        if is_next or self._begins_epoch(at):
            self.position = self._received = at
            self._deliveries.add(publication)
            return True
        is_other = self._deliveries.contradict(publication)
        if not is_other and is_repeated(at, self.position, self._received):
            self._received = at
        else:
            self._keep(self._transition(Event.HOLE), publication)
        return False

    def _begins_epoch(self, at: Position) -> bool:
        # Where publications replace one another, a browser may not receive the first of an epoch.
        return self.conflation_key is None and begins_epoch(at, self.position, self._received)

    def _keep(self, buffer: PendingPublications, publication: Publication) -> None:
        self._deliveries.contradict(publication)
        if not buffer.add(publication):
            self._drop_pending()

    def _drop_pending(self) -> None:
        # It is in the history, or it belongs to the hole before a gap, and is not newer than that.
        buffer = self._transition(Event.LOSS)
        self._lacks_plain = self._lacks_plain or buffer.has_plain
        buffer.clear()

    def _frames(self, publications: Iterable[Publication]) -> tuple[bytes, ...]:
        return tuple([frame for found in publications if (frame := self.receive(found))])

    def _deliver(self, frames: tuple[bytes, ...]) -> None:
        if frames:
            deliver(self.connections, frames)
