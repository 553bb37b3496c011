"""What control messages mean to this worker."""

import logging
from collections.abc import Callable
from typing import ClassVar, Protocol

from .batch import Batch
from .endpoint import Endpoint
from .hub import Received
from .sessionwatch import SessionWatch
from .timerwheel import TimerWheel
from .wire import control as ops
from .wire import messages
from .wire.errors import ControlError

log = logging.getLogger("gateway.broker")

INTERRUPTION_S = 1.0
"""A link that is back sooner is no news to browsers: what was missed is filled, or a gap."""


class Replies(Protocol):
    """Where answers go."""

    def reply(self, reply_to: str, answer: int) -> None:
        """Push an answer to a list in Redis, soon."""


class Listener:
    """Hear everything that Redis says to this worker.

    Args:
        endpoint: its hub fans publications out.
        watch: acts on what has happened to sessions.
        replies: takes answers.
        wheel: tells how long the link has been away.
    """

    def __init__(
        self, endpoint: Endpoint, watch: SessionWatch, replies: Replies, wheel: TimerWheel
    ) -> None:
        self._endpoint = endpoint
        self._watch = watch
        self._replies = replies
        self._wheel = wheel
        self._lost_at: float | None = None
        self._is_interrupted = False
        self.on_channel_revoked: Callable[[str, str], None] = lambda uid, channel: None
        self.on_namespaces_changed: Callable[[], None] = lambda: None
        self.on_link_restored: Callable[[], None] = lambda: None
        self.publish: Callable[[list[Received]], None] = endpoint.hub.publish

    def link_lost(self) -> None:
        """Let publications wait; browsers are told if the link stays away."""
        self._endpoint.hub.link_lost()
        if self._lost_at is None:
            self._lost_at = self._wheel.clock()
            self._wheel.schedule(self, INTERRUPTION_S)

    def on_timer(self, now: float) -> None:
        """Tell every browser that it hears nothing now, unless the link is back."""
        if self._lost_at is None or self._is_interrupted:
            return
        if now - self._lost_at >= INTERRUPTION_S:
            self._is_interrupted = True
            self._tell_everybody(messages.interrupted())

    def link_restored(self) -> None:
        """Read every session, and what else Django tells of, again: a message may be missed."""
        if self._is_interrupted:
            self._tell_everybody(messages.resumed())
        self._lost_at, self._is_interrupted = None, False
        self._watch.recheck(self._endpoint.registry.connections)
        self.on_link_restored()

    def _tell_everybody(self, frame: bytes) -> None:
        batch = Batch((frame,))
        for connection in self._endpoint.registry.open_connections():
            connection.outlet.send(batch)

    def control(self, raw: bytes) -> None:
        """Act on a control message."""
        try:
            message = ops.read_control(raw)
        except ControlError as error:
            log.warning("event=control_refused cause=%r", str(error))
            return
        self._actions[type(message)](self, message)

    def _revoke_session(self, message: ops.RevokeSession) -> None:
        self._watch.session_ended(message.sid)

    def _revoke_user(self, message: ops.RevokeUser) -> None:
        self._watch.user_ended(message.uid)

    def _revoke_channel(self, message: ops.RevokeChannel) -> None:
        self.on_channel_revoked(message.uid, message.channel)
        self._watch.channel_revoked(message.uid, message.channel)

    def _user_changed(self, message: ops.UserChanged) -> None:
        self._watch.user_changed(message.uid)

    def _session_moved(self, message: ops.SessionMoved) -> None:
        self._watch.session_moved(message.old, message.new)

    def _count_connections(self, message: ops.CountConnections) -> None:
        count = len(self._endpoint.hub.connections_on(message.channel))
        self._replies.reply(message.reply_to, count)

    def _drain(self, message: ops.Drain) -> None:
        log.info("event=drain_ignored node=%r", message.node)

    def _namespaces_changed(self, message: ops.NamespacesChanged) -> None:
        self.on_namespaces_changed()

    def _presence_changed(self, message: ops.PresenceChanged) -> None:
        frame = messages.joined if message.is_present else messages.left
        self._endpoint.hub.tell(message.channel, frame(message.channel, message.user))

    _actions: ClassVar[dict[type, Callable[..., None]]] = {
        ops.RevokeSession: _revoke_session,
        ops.RevokeUser: _revoke_user,
        ops.RevokeChannel: _revoke_channel,
        ops.UserChanged: _user_changed,
        ops.SessionMoved: _session_moved,
        ops.CountConnections: _count_connections,
        ops.Drain: _drain,
        ops.NamespacesChanged: _namespaces_changed,
        ops.PresenceChanged: _presence_changed,
    }
