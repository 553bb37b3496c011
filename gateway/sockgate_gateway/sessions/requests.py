"""Requests of open connections: subscribe, unsubscribe, presence, publish, refresh, ping.

Requests wait while the session of their connection is in doubt, and while a new token is being
verified. They continue in their order. A ping is answered at once.

A rejected request costs one error frame. A frame that only an attacker or a broken client would
send closes the connection.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from ..channels.audience import Audience
from ..channels.barrier import Barrier
from ..channels.policies import Policies
from ..channels.presence import Presence
from ..connections.connection import Connection
from ..connections.journal import Journal
from ..connections.replay_budget import ReplayBudget, ReplayRoom
from ..connections.states import State
from ..errors import BrokerUnavailable, Rejected
from ..loop.background import BackgroundTasks
from ..wire import contract, protocol
from .client_presence import ClientPresence
from .client_publish import ClientPublisher
from .lifecycle import Lifecycle
from .refresh import TokenRefresh
from .subscribe import SubscribeRequests

WAIT_S = 5.0
"""After this time, a request that waits is rejected with ``unavailable``."""
MAX_WAITING = 64
"""So many requests of one connection may wait; with the default ``max_frame``, 2 MB."""


class Requests:
    """Answer the frames of open connections.

    Args:
        lifecycle: closes a connection whose request fails.
        subscribe_requests: subscribes and unsubscribes.
        token_refresh: verifies new tokens.
        presence: reads who is present.
        replays: is charged for what presence answers.
        client_publisher: publishes for clients.
        client_presence: sets the data of pages.
        policies: says which channels show their presence.
        journal: remembers what was refused.
        audience: says within which time a page may ask Django for another grant.
        barrier: waits for control messages: one that ends the session may be under way.
    """

    def __init__(
        self,
        *,
        lifecycle: Lifecycle,
        subscribe_requests: SubscribeRequests,
        token_refresh: TokenRefresh,
        presence: Presence,
        replays: ReplayBudget,
        client_publisher: ClientPublisher,
        client_presence: ClientPresence,
        policies: Policies,
        journal: Journal,
        audience: Audience,
        barrier: Barrier,
    ) -> None:
        self._lifecycle = lifecycle
        self._subscribe_requests = subscribe_requests
        self._token_refresh = token_refresh
        self._presence = presence
        self._replays = replays
        self._client_publisher = client_publisher
        self._client_presence = client_presence
        self._policies = policies
        self._journal = journal
        self._audience = audience
        self._barrier = barrier
        self._background = BackgroundTasks()

    def receive(self, connection: Connection, frame: contract.ClientFrame) -> None:
        """Answer a frame, now or later."""
        if isinstance(frame, contract.Ping):
            connection.send_now(protocol.write(contract.Pong(frame.id)))
        elif connection.accepts_requests:
            self.begin(connection, frame)
        elif connection.waiting_requests < MAX_WAITING:
            connection.wait(_WaitingRequest(self, connection, frame).wake)
        else:
            self.reject(connection, "unavailable", "too many requests wait", frame)

    def begin(self, connection: Connection, frame: contract.ClientFrame) -> None:
        """Begin to answer a request; those after a refresh wait for its end."""
        if isinstance(frame, contract.Refresh):
            connection.begin_refresh()
        self._background.start(self._answer(connection, frame))

    def reject(
        self,
        connection: Connection,
        code: str,
        message: str,
        rejected: contract.ClientFrame,
        **more: Any,
    ) -> None:
        """Tell a client that a request is rejected, if it is there; ``more``: of the frame."""
        if not connection.is_open:
            return
        self._journal.refused(connection, getattr(rejected, "channel", ""), code, message)
        # A page may ask about several channels in one callback.
        channel = None
        if isinstance(rejected, contract.Presence | contract.SetPresence):
            channel = rejected.channel
        rejection = contract.Rejection(code, message, rejected.id, channel, **more)
        connection.send_now(protocol.write(rejection))

    async def _answer(self, connection: Connection, frame: contract.ClientFrame) -> None:
        try:
            if connection.is_open:
                await self._actions[type(frame)](self, connection, frame)
        except Rejected as rejection:
            self._refuse(connection, frame, rejection)
        except BrokerUnavailable:
            self.reject(connection, "unavailable", "try again later", frame)
        except Exception as error:  # noqa: BLE001 -- closes the connection, and is logged
            self._lifecycle.fail(connection, error)

    def _refuse(
        self, connection: Connection, frame: contract.ClientFrame, rejection: Rejected
    ) -> None:
        if isinstance(frame, contract.Subscribe) and rejection.code == "not_allowed":
            # The page asks Django for another grant: many do after a restart, or at once.
            crowd = self._audience.of_revocation(connection.id)
            revoked = rejection.is_revoked or None
            self.reject(connection, rejection.code, str(rejection), frame, revoked=revoked, **crowd)
        else:
            self.reject(connection, rejection.code, str(rejection), frame)

    async def _subscribe(self, connection: Connection, frame: contract.Subscribe) -> None:
        await self._subscribe_requests.subscribe(connection, frame)

    async def _unsubscribe(self, connection: Connection, frame: contract.Unsubscribe) -> None:
        self._subscribe_requests.unsubscribe(connection, frame)

    async def _send_presence(self, connection: Connection, frame: contract.Presence) -> None:
        channel = frame.channel
        if channel not in connection.channels or not self._policies.of(channel).presence:
            raise Rejected("not_allowed", "this channel does not show its presence")
        room = self._require_budget(connection)
        present = await self._presence.read(channel)
        is_within = room.may_recover
        # Also for a client that has left meanwhile: it was read.
        room.spend(present.size_bytes, is_delivered=False)
        if not is_within:
            raise _too_much_presence()
        await self._barrier.synchronize()
        if connection.is_open and channel in connection.channels:
            answer = protocol.presence(
                channel,
                present.users,
                present.anonymous,
                frame.id,
                present.data,
                self._policies.of(channel).presence_limit,
            )
            room.spend(max(len(answer) - present.size_bytes, 0), is_delivered=False)
            connection.send(answer)

    def _require_budget(self, connection: Connection) -> ReplayRoom:
        """Return the budget of the connection's user: many connections may ask at once."""
        room = self._replays.room_for(connection)
        if not room.may_recover:
            raise _too_much_presence()
        return room

    async def _set_presence(self, connection: Connection, frame: contract.SetPresence) -> None:
        await self._client_presence.set(connection, frame)

    async def _publish(self, connection: Connection, frame: contract.Publish) -> None:
        await self._client_publisher.publish(connection, frame)

    async def _refresh(self, connection: Connection, frame: contract.Refresh) -> None:
        await self._token_refresh.refresh(connection, frame)

    _actions: ClassVar[dict[type, Callable[..., Coroutine[Any, Any, None]]]] = {
        contract.Subscribe: _subscribe,
        contract.Unsubscribe: _unsubscribe,
        contract.Refresh: _refresh,
        contract.Presence: _send_presence,
        contract.SetPresence: _set_presence,
        contract.Publish: _publish,
    }


def _too_much_presence() -> Rejected:
    return Rejected("too_many", "too much presence, over all connections; try again later")


class _WaitingRequest:
    """A request that waits until its connection accepts requests."""

    def __init__(
        self, requests: Requests, connection: Connection, frame: contract.ClientFrame
    ) -> None:
        self._requests = requests
        self._connection = connection
        self._frame = frame
        self._is_over = False
        self._timer = asyncio.get_running_loop().call_later(WAIT_S, self._expire)

    def wake(self) -> None:
        """Begin, if that is possible now; else wait again, behind earlier requests."""
        if self._is_over or self._connection.state is State.CLOSED:
            self._timer.cancel()
        elif self._connection.accepts_requests:
            self._timer.cancel()
            self._requests.begin(self._connection, self._frame)
        else:
            self._connection.wait(self.wake)

    def _expire(self) -> None:
        self._is_over = True
        self._requests.reject(self._connection, "unavailable", "try again later", self._frame)
