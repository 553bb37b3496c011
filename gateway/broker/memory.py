"""The twin of the broker without a server: sessions, pub/sub and answers in one object.

It plays all that a worker knows of Redis: what ``Ledger``, ``Subscriber``, ``RedisSessionReader``
and ``RedisReplies`` do together. One suite of tests holds both to the same behaviour.
"""

from collections.abc import Callable, Sequence
from math import inf
from time import time

from ..authenticator import Claim, Login
from ..errors import BrokerUnavailable
from ..wire.control import ControlMessage, write_control
from ..wire.names import Names
from ..wire.records import SessionRecord, UserRecord
from .subscriber import Listener


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
        self._answers: dict[str, list[int]] = {}
        self._listener: Listener | None = None
        self.heard: set[str] = set()
        self.is_live = True

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

    def want(self, channel: str) -> None:
        """Hear a channel, at once."""
        self.heard.add(channel)

    def unwant(self, channel: str) -> None:
        """Hear a channel no more, at once."""
        self.heard.discard(channel)

    async def confirmed(self, channels: tuple[str, ...]) -> None:
        """Return, for channels are heard as soon as they are wanted.

        Raises:
            BrokerUnavailable: the link is cut.
        """
        self._require_link()

    def reply(self, reply_to: str, answer: int) -> None:
        """Keep an answer."""
        self._answers.setdefault(reply_to, []).append(answer)

    # What Django and others do.

    def write_session(self, sid: str, record: SessionRecord, ttl_s: float = inf) -> None:
        """Keep a session for so many seconds."""
        self._sessions[sid] = record, self._clock() + ttl_s

    def delete_session(self, sid: str) -> None:
        """End a session; tells nobody."""
        self._sessions.pop(sid, None)

    def move_session(self, old: str, new: str) -> None:
        """Let a session go on under another key; tells nobody."""
        self._sessions[new] = self._sessions.pop(old)
        self._moves[old] = new

    def write_user(self, uid: str, record: UserRecord) -> None:
        """Keep what is true of a user."""
        self._users[uid] = record

    def delete_user(self, uid: str) -> None:
        """Forget a user; tells nobody."""
        self._users.pop(uid, None)

    def publish(self, channel: str, payload: bytes) -> int:
        """Publish, and return how many heard it."""
        if self._listener is None or not self.is_live or channel not in self.heard:
            return 0
        self._listener.publish([(self._names.channel(channel).encode(), payload)])
        return 1

    def tell(self, message: ControlMessage) -> None:
        """Publish a control message."""
        if self._listener is not None and self.is_live:
            self._listener.control(write_control(message))

    def answers(self, reply_to: str) -> list[int]:
        """Take the answers to a control message."""
        return self._answers.pop(reply_to, [])

    # What happens on the way.

    def listen(self, listener: Listener) -> None:
        """Let the worker hear."""
        self._listener = listener

    def cut(self) -> None:
        """Lose the link: nothing can be read, nothing is heard."""
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
