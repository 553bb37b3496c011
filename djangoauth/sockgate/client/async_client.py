"""``AsyncClient``: the client for asyncio programs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, Self

from sockgate_gateway.wire import contract

from .backoff import Reconnect
from .core import Core
from .credentials import CredentialSource, IssuedGrant
from .errors import ConnectionClosed, RequestRejected
from .events import Event, Presence, State, StateChanged, Subscribed, Unsubscribed
from .frames import Frame, Recover, presence_of, write_data
from .inbox import Inbox
from .sockets import SocketOptions, open_socket
from .waiters import Waiters

ANSWER_TIMEOUT_S = 10.0
MAX_EVENTS = 10_000
MAX_CHARACTERS = 64 * 1024 * 1024
CLOSED_BY_CALLER = 1000


class AsyncClient:
    """A client of the gateway, for one loop.

    As a context manager it connects on entry, without waiting, and closes on exit.

    Args:
        source: fetches tokens and grants, for example ``SiteSession`` or ``CallableSource``.
        url: of the gateway, such as ``https://push.example/realtime``; default: the site names it.
        reconnect: limits of the back-off.
        sockets: how WebSockets are opened.
        max_events: how many events may wait to be read. With more, the client closes the
            connection (3004), and connects again when all are read.
        max_characters: how many characters of frames may wait to be read, likewise.
    """

    def __init__(
        self,
        source: CredentialSource,
        *,
        url: str = "",
        reconnect: Reconnect | None = None,
        sockets: SocketOptions | None = None,
        max_events: int = MAX_EVENTS,
        max_characters: int = MAX_CHARACTERS,
    ) -> None:
        self._inbox = Inbox(max_events, max_characters)
        self._waiters = Waiters()
        self._is_held = False
        self._core = Core(
            source,
            partial(open_socket, options=sockets or SocketOptions()),
            self._take,
            url=url,
            reconnect=reconnect,
        )

    async def __aenter__(self) -> Self:
        """Connect."""
        self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.aclose()

    @property
    def state(self) -> State:
        """The state of the connection."""
        return self._core.connection.state

    @property
    def user(self) -> str | None:
        """The user of the connection; None: a visitor, or not connected yet."""
        return self._core.user

    def connect(self) -> None:
        """Connect, after ``aclose`` too; while the client waits, try again at once."""
        self._inbox.reopen()
        self._core.connection.connect()

    async def aclose(self) -> None:
        """Close, and wait until the socket is closed."""
        await self._core.aclose()

    async def wait_until_connected(self, timeout_s: float | None = 30.0) -> None:
        """Wait for the welcome of the gateway.

        Raises:
            ConnectionClosed: the client was refused, and does not try again.
            TimeoutError: it did not come in time; the client goes on trying.
        """
        if self.state is State.CLOSED and self._inbox.closed is not None:
            raise self._inbox.closed
        if self.state is not State.CONNECTED:
            await self._waiters.wait(State.CONNECTED, timeout_s)

    async def subscribe(
        self,
        channel: str,
        *,
        grant: IssuedGrant | None = None,
        recover: Recover | bool = True,
        timeout_s: float | None = ANSWER_TIMEOUT_S,
    ) -> None:
        """Subscribe to a channel, now and on every later connection, and wait for the answer.

        Args:
            channel: its name.
            grant: one that the caller already has; default: the source fetches it.
            recover: a position to start after; how many of the newest publications to receive
                first, or ``"all"`` that are kept; False: do not recover after a lost connection.
            timeout_s: how long to wait; 0: not at all.

        Raises:
            RequestRejected: the site or the gateway does not allow it.
            ConnectionClosed: the client is closed for good.
            TimeoutError: no answer came in time; the client goes on trying.
            ValueError: ``recover`` is none of these.
        """
        is_subscribed = self._core.channels.add(channel, grant, recover)
        if not is_subscribed and timeout_s != 0:
            if self._inbox.closed is not None:
                raise self._inbox.closed
            await self._waiters.wait(channel, timeout_s)

    def unsubscribe(self, channel: str) -> None:
        """End a subscription of ``subscribe``."""
        self._core.channels.remove(channel)

    async def publish(
        self, channel: str, event: str, data: Any, *, timeout_s: float | None = ANSWER_TIMEOUT_S
    ) -> int | None:
        """Publish on a subscribed channel, where its namespace allows that.

        Args:
            channel: its name.
            event: begins with ``client-``.
            data: any JSON value.
            timeout_s: how long to wait for the answer.

        Returns:
            The offset, where the channel has a history.

        Raises:
            RequestRejected: the gateway does not allow it.
            NotConnected, TimeoutError: it is unknown whether it was published.
        """
        text = write_data(data)
        frame = await self._ask(
            lambda number: contract.Publish(channel, event, text, id=number), timeout_s
        )
        return frame.get("offset")

    async def presence(
        self, channel: str, *, timeout_s: float | None = ANSWER_TIMEOUT_S
    ) -> Presence:
        """Request the presence of a channel.

        Raises:
            RequestRejected, NotConnected, TimeoutError: there is no answer.
        """
        frame = await self._ask(lambda number: contract.Presence(channel, id=number), timeout_s)
        return presence_of(channel, frame)

    async def set_presence(
        self,
        channel: str,
        data: dict[str, Any] | None,
        *,
        timeout_s: float | None = ANSWER_TIMEOUT_S,
    ) -> None:
        """Set what presence shows of this client, an object of 1,024 bytes as JSON; None: nothing.

        It ends with the subscription and with the connection: set it again after ``Subscribed``.

        Raises:
            RequestRejected, NotConnected, TimeoutError: the gateway did not accept it.
            TypeError, ValueError: the data has no JSON form.
        """
        text = write_data(data)
        await self._ask(lambda number: contract.SetPresence(channel, text, id=number), timeout_s)

    async def receive(self, timeout_s: float | None = None) -> Event:
        """Return the next event, and wait for it.

        Raises:
            ConnectionClosed: all events are read, and the client is closed.
            TimeoutError: nothing came in time.
        """
        async with asyncio.timeout(timeout_s):
            event = await self._inbox.get()
        if self._is_held and self._inbox.is_empty:
            self._is_held = False
            self.connect()
        return event

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Return events until the caller closes the client.

        Raises:
            ConnectionClosed: the connection has ended for another reason.
        """
        while True:
            try:
                event = await self.receive()
            except ConnectionClosed as closed:
                if closed.code == CLOSED_BY_CALLER:
                    return
                raise
            yield event

    async def _ask(
        self, frame_of: Callable[[int], contract.ClientFrame], timeout_s: float | None
    ) -> Frame:
        number = self._core.requests.send(frame_of)
        try:
            frame: Frame = await self._core.requests.wait(number, timeout_s)
            return frame
        finally:
            self._core.requests.forget(number)

    def _take(self, event: Event, characters: int) -> None:
        self._inbox.put(event, characters)
        if isinstance(event, StateChanged):
            self._note_state(event)
        elif isinstance(event, Subscribed):
            self._waiters.resolve(event.channel, event)
        elif isinstance(event, Unsubscribed):
            rejection = RequestRejected(event.code or "not_allowed", event.message)
            self._waiters.resolve(event.channel, rejection)
        if self._inbox.is_full and not self._is_held:
            self._is_held = True
            self._core.connection.hold("the program does not read its events in time")

    def _note_state(self, event: StateChanged) -> None:
        if event.state is State.CONNECTED:
            self._waiters.resolve(State.CONNECTED, event)
        elif event.state is State.CLOSED:
            closed = ConnectionClosed(event.code, event.reason)
            self._inbox.close(closed)
            self._waiters.fail_all(closed)
