"""Control messages of Django, and the loss of the link, on which they arrive."""

import logging
from collections.abc import Callable
from typing import ClassVar, Protocol

from ..channels.hub import Hub
from ..channels.policy_audit import PolicyAudit
from ..channels.presence import Presence
from ..connections.batch import Batch
from ..connections.journal import Journal
from ..connections.registry import Registry
from ..loop.failure_log import FAILED
from ..loop.hint_log import HintLog, cut
from ..loop.timer_wheel import TimerWheel
from ..wire import contract, protocol
from ..wire.control import (
    Ask,
    CountConnections,
    Disconnect,
    NamespacesChanged,
    PresenceChanged,
    PresenceDataChanged,
    RevokeChannel,
    RevokeSession,
    RevokeUser,
    SessionMoved,
    UserChanged,
    UserDataChanged,
    read_control,
)
from ..wire.errors import ControlError
from .inspector import Inspector
from .monitor import SessionMonitor

log = logging.getLogger("sockgate.broker")

INTERRUPTION_S = 1.0
"""Clients receive ``interrupted`` only when the link is lost for longer. After a shorter loss,
missed publications are recovered, or ``gap`` is sent."""


_HINT = "only Django may publish on control channels; a newer Django needs a newer gateway"


class ReplySink(Protocol):
    """Sends replies to Django."""

    def reply(self, reply_to: str, answer: int | bytes) -> None:
        """Push a reply to a list in Redis, soon."""


class ControlMessages:
    """Handle control messages, and the loss of the link.

    Notices of presence wait in the hub until it fans out the read that has brought them.

    Args:
        hub: has the channels.
        registry: has the connections.
        monitor: handles changes of sessions, users and grants.
        policy_audit: reads the policies again, when Django has changed them or may have.
        presence: notes that the data of a user has changed.
        replies: sends counts of connections, and answers.
        inspector: answers questions.
        journal: remembers when the link was lost.
        wheel: measures how long the link is lost.
    """

    def __init__(
        self,
        *,
        hub: Hub,
        registry: Registry,
        monitor: SessionMonitor,
        policy_audit: PolicyAudit,
        presence: Presence,
        replies: ReplySink,
        inspector: Inspector,
        journal: Journal,
        wheel: TimerWheel,
    ) -> None:
        self._hub = hub
        self._registry = registry
        self._monitor = monitor
        self._policy_audit = policy_audit
        self._presence = presence
        self._replies = replies
        self._inspector = inspector
        self._journal = journal
        self._wheel = wheel
        self._lost_at: float | None = None
        self._is_interrupted = False
        self._rejected = 0
        self._rejections = HintLog(log, "control_rejected", wheel.clock)

    def link_lost(self, cause: str = "") -> None:
        """Suspend every channel and connection; after a while, send ``interrupted``."""
        self._hub.link_lost()
        self._monitor.link_lost()
        if self._lost_at is None:
            self._lost_at = self._wheel.clock()
            self._journal.link_lost(cause)
            self._wheel.schedule(self, INTERRUPTION_S)

    def on_timer(self, now: float) -> None:
        """Send ``interrupted`` to every client, unless the link is restored."""
        if self._lost_at is None or self._is_interrupted:
            return
        if now - self._lost_at >= INTERRUPTION_S:
            self._is_interrupted = True
            self._send_to_all(protocol.write(contract.Interrupted()))

    def link_restored(self) -> None:
        """Read again whatever control messages announce: some may have been missed."""
        if self._is_interrupted:
            self._send_to_all(protocol.write(contract.Resumed()))
        self._lost_at, self._is_interrupted = None, False
        self._journal.link_restored()
        self._monitor.link_restored()
        self._policy_audit.read_soon()

    def _send_to_all(self, frame: bytes) -> None:
        batch = Batch((frame,))
        for connection in self._registry.open_connections():
            connection.transport.send(batch)

    def receive_control(self, raw: bytes) -> None:
        """Handle a control message; one that is not valid is counted, and logged once a minute."""
        try:
            message = read_control(raw)
        except ControlError as error:
            self._reject(str(error))
            return
        self._actions[type(message)](self, message)

    def _reject(self, cause: str) -> None:
        FAILED["control_rejected"] += 1
        self._rejected += 1
        if self._rejections.is_due("", ""):
            values = self._rejected, cut(cause)
            self._rejections.warn("rejected=%d cause=%a", *values, hint=_HINT)

    def _revoke_session(self, message: RevokeSession) -> None:
        self._monitor.session_ended(message.sid)

    def _revoke_user(self, message: RevokeUser) -> None:
        self._monitor.user_ended(message.uid)

    def _revoke_channel(self, message: RevokeChannel) -> None:
        self._monitor.channel_revoked(message.uid, message.channel)

    def _disconnect(self, message: Disconnect) -> None:
        self._monitor.disconnect(message.uid, message.connection)

    def _user_changed(self, message: UserChanged) -> None:
        self._monitor.user_changed(message.uid)

    def _session_moved(self, message: SessionMoved) -> None:
        self._monitor.session_moved(message.old, message.new)

    def _count_connections(self, message: CountConnections) -> None:
        count = len(self._hub.connections_on(message.channel))
        self._replies.reply(message.reply_to, count)

    def _ask(self, message: Ask) -> None:
        answered = self._inspector.answer(message.question)
        if answered is not None:
            self._replies.reply(*answered)

    def _namespaces_changed(self, message: NamespacesChanged) -> None:
        self._policy_audit.read_soon()

    def _presence_changed(self, message: PresenceChanged) -> None:
        channel, user = message.channel, message.user
        frame: contract.GatewayFrame
        if message.is_present:
            frame = contract.Join(channel, user, message.data or None)
        else:
            frame = contract.Leave(channel, user)
        self._hub.notices.add(channel, protocol.write(frame))

    def _presence_data(self, message: PresenceDataChanged) -> None:
        frame = contract.PresenceChanged(
            message.channel, message.user, message.data or None, message.page_data or None
        )
        self._hub.notices.add(message.channel, protocol.write(frame))

    def _user_data_changed(self, message: UserDataChanged) -> None:
        for connection in self._registry.of_user(message.uid):
            self._presence.user_data_changed(connection)

    _actions: ClassVar[dict[type, Callable[..., None]]] = {
        RevokeSession: _revoke_session,
        RevokeUser: _revoke_user,
        RevokeChannel: _revoke_channel,
        Disconnect: _disconnect,
        UserChanged: _user_changed,
        SessionMoved: _session_moved,
        CountConnections: _count_connections,
        Ask: _ask,
        NamespacesChanged: _namespaces_changed,
        PresenceChanged: _presence_changed,
        PresenceDataChanged: _presence_data,
        UserDataChanged: _user_data_changed,
    }
