"""A broker in memory: sessions, pub/sub and replies in one object.

It plays all that a worker knows of Redis: what ``Ledger``, ``Subscriber``, ``RedisSessionReader``
and ``AudienceReplies`` do together. One suite of tests holds both to the same behaviour.
"""

from collections.abc import Callable, Sequence
from math import inf
from time import time
from typing import Any

from sockgate_gateway.broker.pubsub import PublicationReceiver, PubSubListener
from sockgate_gateway.connections.connection import Claim
from sockgate_gateway.errors import BrokerUnavailable
from sockgate_gateway.sessions.authenticator import Login
from sockgate_gateway.sessions.grants import GrantStatus, Right
from sockgate_gateway.wire.control import ControlMessage, write_control
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.records import SessionRecord, UserRecord


class MemoryNamespaces:
    """Django has declared no namespaces."""

    async def read_namespaces(self) -> bytes | None:
        return None


class MemoryRevocations:
    """No channel was revoked."""

    async def read(self, right: Right) -> GrantStatus:
        return GrantStatus()

    async def read_many(self, rights: Sequence[Right]) -> list[GrantStatus]:
        return [GrantStatus() for _ in rights]


class MemoryBroker:
    """A broker for one worker, within its process.

    Args:
        names: of the deployment.
        clock: gives Unix seconds.
    """

    def __init__(self, names: Names | None = None, clock: Callable[[], float] = time) -> None:
        self._names = names or Names()
        self._clock = clock
        self._sessions: dict[str, tuple[SessionRecord, float]] = {}
        self._users: dict[str, UserRecord] = {}
        self._moves: dict[str, str] = {}
        self._answers: dict[str, list[int | bytes]] = {}
        self._hub: PublicationReceiver | None = None
        self._listener: PubSubListener | None = None
        self.subscribed: set[str] = set()
        self.is_live = True
        self.names = self._names
        self.subscription_state = self.pubsub = self.sessions = self.audience = self
        self.namespaces = MemoryNamespaces()
        self.revocations = MemoryRevocations()
        self.presence: Any = None  # ``Presence.run`` is not started.
        self.publisher: Any = None  # No client publishes.

    # What the worker asks for.

    async def read(self, sid: str, uid: str | None) -> Login:
        """Read a session and a user.

        Raises:
            BrokerUnavailable: the link is cut.
        """
        (login,) = await self.read_many([(sid, uid)])
        return login

    async def read_many(self, claims: Sequence[Claim]) -> list[Login]:
        """Read several at once; raises as ``read`` does."""
        self._require_link()
        return [self._login(sid, uid) for sid, uid in claims]

    def subscribe(self, channel: str) -> None:
        """Subscribe to a channel, at once."""
        self.subscribed.add(channel)

    def unsubscribe(self, channel: str) -> None:
        """Unsubscribe from a channel, at once."""
        self.subscribed.discard(channel)

    async def confirmed(self, channels: tuple[str, ...]) -> dict[str, BrokerUnavailable]:
        """Return nothing: subscriptions need no time.

        Raises:
            BrokerUnavailable: the link is cut.
        """
        self._require_link()
        return {}

    async def synchronize(self) -> None:
        """Return: publications are delivered at once."""
        self._require_link()

    def reply(self, reply_to: str, answer: int | bytes) -> None:
        """Keep an answer."""
        self._answers.setdefault(reply_to, []).append(answer)

    async def prolong(self, claims: Sequence[Claim]) -> None:
        """Let no session expire later."""

    def clock_offset_s(self) -> float | None:
        """Return nothing: there is no other clock."""

    def history(self, limit_bytes: int) -> Any:
        """Return nothing: the history is not read."""

    # What Django and others do.

    def write_session(self, sid: str, record: SessionRecord, ttl_s: float = inf) -> None:
        """Keep a session for so many seconds."""
        self._sessions[sid] = record, self._clock() + ttl_s

    def delete_session(self, sid: str) -> None:
        """End a session, without a control message."""
        self._sessions.pop(sid, None)

    def move_session(self, old: str, new: str) -> None:
        """Move a session to another key, without a control message."""
        self._sessions[new] = self._sessions.pop(old)
        self._moves[old] = new

    def write_user(self, uid: str, record: UserRecord) -> None:
        """Keep what is true of a user."""
        self._users[uid] = record

    def delete_user(self, uid: str) -> None:
        """Delete a user, without a control message."""
        self._users.pop(uid, None)

    def publish(self, channel: str, payload: bytes) -> int:
        """Publish, and return how many workers received it."""
        if self._hub is None or not self.is_live or channel not in self.subscribed:
            return 0
        self._hub.fan_out([(self._names.channel(channel).encode(), payload)])
        return 1

    def publish_control(self, message: ControlMessage) -> None:
        """Publish a control message."""
        if self._listener is not None and self.is_live:
            self._listener.receive_control(write_control(message))
            self._hub.fan_out([])

    def answers(self, reply_to: str) -> list[int | bytes]:
        """Take the answers to a control message."""
        return self._answers.pop(reply_to, [])

    # What happens on the way.

    def listen(self, hub: PublicationReceiver, listener: PubSubListener) -> None:
        """Deliver to the worker from now on, and report that the link is up."""
        self.attach(hub, listener)
        listener.link_restored()

    def attach(self, hub: PublicationReceiver, listener: PubSubListener) -> None:
        """Deliver to the worker from now on."""
        self._hub = hub
        self._listener = listener

    def cut(self) -> None:
        """Lose the link: nothing can be read, and nothing is received."""
        self.is_live = False
        if self._listener is not None:
            self._listener.link_lost()

    def mend(self) -> None:
        """Bring the link back."""
        self.is_live = True
        if self._listener is not None:
            self._listener.link_restored()

    def _login(self, sid: str, uid: str | None) -> Login:
        session, ends_at = self._sessions.get(sid, (None, -inf))
        left_s = ends_at - self._clock()
        return Login(
            session if left_s > 0 else None,
            None if uid is None else self._users.get(uid),
            left_s if 0 < left_s < inf else None,
            self._moves.get(sid),
        )

    def _require_link(self) -> None:
        if not self.is_live:
            raise BrokerUnavailable("link cut")
