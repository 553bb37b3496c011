"""What an open browser may ask for: channels, presence, a fresh token, a sign of life; to publish.

What is denied costs the browser one error frame; what only an attacker or a broken client would
send costs it the connection.
"""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from .connection import Connection, State
from .endpoint import Endpoint
from .errors import BrokerUnavailable, Denied, Refused
from .namespaces import PolicyBook
from .presence import Presence
from .publications import Publications
from .sessionwatch import SessionWatch
from .subscriptions import Subscriptions
from .wire import messages
from .wire.closecodes import CloseCode


class Commands:
    """Answer the frames of open connections.

    Args:
        endpoint: hands the frames over.
        watch: brings a connection in step with a session.
        subscriptions: gives channels on request.
        presence: knows who is where.
        publications: lets browsers publish.
        policies: tells which channels show their presence.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        watch: SessionWatch,
        subscriptions: Subscriptions,
        presence: Presence,
        publications: Publications,
        policies: PolicyBook,
    ) -> None:
        self._endpoint = endpoint
        self._watch = watch
        self._subscriptions = subscriptions
        self._presence = presence
        self._publications = publications
        self._policies = policies
        endpoint.on_frame = self.received

    def received(self, connection: Connection, frame: messages.ClientFrame) -> None:
        """Act on a frame."""
        work = self._actions[type(frame)](self, connection, frame)
        self._endpoint.start(self._answered(work, connection, frame), connection)

    async def _answered(
        self,
        work: Coroutine[Any, Any, None],
        connection: Connection,
        frame: messages.ClientFrame,
    ) -> None:
        try:
            await work
        except Denied as denial:
            _refuse(connection, denial.code, str(denial), frame.id)
        except BrokerUnavailable:
            _refuse(connection, "unavailable", "try again later", frame.id)

    async def _ping(self, connection: Connection, frame: messages.Ping) -> None:
        connection.send(messages.pong(frame.id))

    async def _subscribe(self, connection: Connection, frame: messages.Subscribe) -> None:
        await self._subscriptions.subscribe(connection, frame)

    async def _unsubscribe(self, connection: Connection, frame: messages.Unsubscribe) -> None:
        self._subscriptions.unsubscribe(connection, frame)

    async def _tell_presence(self, connection: Connection, frame: messages.Presence) -> None:
        channel = frame.channel
        if channel not in connection.channels or not self._policies.of(channel).presence:
            raise Denied("not_allowed", "who is on this channel is not told")
        present = await self._presence.of(channel)
        if connection.state is State.OPEN:
            answer = messages.presence(channel, present.users, present.anonymous, frame.id)
            connection.send(answer)

    async def _publish(self, connection: Connection, frame: messages.Publish) -> None:
        await self._publications.publish(connection, frame)

    async def _refresh(self, connection: Connection, frame: messages.Refresh) -> None:
        """Check a fresh token as a connect does; an anonymous visitor may have become a user."""
        endpoint = self._endpoint
        token = endpoint.authenticator.read_token(frame.token)
        if connection.uid not in (None, token.uid):
            raise Refused(CloseCode.SESSION_UNKNOWN, "a token of another user")
        endpoint.registry.claim(connection, token.sid, token.uid)
        doubts = connection.doubts
        identity = await endpoint.identify(token.sid, token.uid)
        if connection.doubts != doubts:  # What was read may be older than what was told meanwhile.
            self._watch.recheck((connection,))
        if connection.state is State.OPEN:
            self._watch.apply(connection, identity)
            expires = None if identity.expires_at is None else int(identity.expires_at)
            answer = messages.refreshed(identity.uid, expires, frame.id, identity.rights)
            connection.send(answer)

    _actions: ClassVar[dict[type, Callable[..., Coroutine[Any, Any, None]]]] = {
        messages.Ping: _ping,
        messages.Subscribe: _subscribe,
        messages.Unsubscribe: _unsubscribe,
        messages.Refresh: _refresh,
        messages.Presence: _tell_presence,
        messages.Publish: _publish,
    }


def _refuse(connection: Connection, code: str, message: str, reply_to: messages.FrameId) -> None:
    if connection.state is State.OPEN:
        connection.send(messages.error(code, message, reply_to))
