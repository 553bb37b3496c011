"""``Client``: the client for programs without asyncio."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from threading import Event as Flag
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar

from .async_client import ANSWER_TIMEOUT_S, MAX_CHARACTERS, MAX_EVENTS, AsyncClient
from .errors import ConnectionClosed
from .events import Event, Presence, State
from .protocol.client_protocol import Reconnect
from .protocol.credentials import CredentialSource, IssuedGrant
from .protocol.frames import Recover
from .sockets import SocketOptions

_CLOSED_BY_CALLER = 1000
T = TypeVar("T")


class Client:
    """A client of the gateway, which runs in a thread of its own.

    Its methods are those of ``AsyncClient``, and block. They may be called from any thread. As a
    context manager it connects on entry, without waiting, and closes on exit.

    Args:
        source: fetches tokens and grants, for example ``SiteSession`` or ``CallableSource``.
        url: of the gateway, such as ``https://push.example/realtime``; default: the site names it.
        reconnect: limits of the back-off.
        sockets: how WebSockets are opened.
        max_events: how many events may wait to be read; see ``AsyncClient``.
        max_characters: how many characters of frames may wait to be read.
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
        self._loop = _LoopThread()
        self._client = self._loop.call(
            lambda: AsyncClient(
                source,
                url=url,
                reconnect=reconnect,
                sockets=sockets,
                max_events=max_events,
                max_characters=max_characters,
            )
        )

    def __enter__(self) -> Self:
        """Connect."""
        self.connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    @property
    def state(self) -> State:
        """The state of the connection."""
        return self._client.state

    @property
    def user(self) -> str | None:
        """The user of the connection; None: a visitor, or not connected yet."""
        return self._client.user

    def connect(self) -> None:
        """Connect; while the client waits, try again at once."""
        self._loop.call(self._client.connect)

    def close(self) -> None:
        """Close for good: connection and thread."""
        if self._loop.is_running:
            self._loop.run(self._client.aclose())
            self._loop.stop()

    def wait_until_connected(self, timeout_s: float | None = 30.0) -> None:
        """Wait for the welcome; raises as ``AsyncClient.wait_until_connected``."""
        self._loop.run(self._client.wait_until_connected(timeout_s))

    def subscribe(
        self,
        channel: str,
        *,
        grant: IssuedGrant | None = None,
        recover: Recover | bool = True,
        timeout_s: float | None = ANSWER_TIMEOUT_S,
    ) -> None:
        """Subscribe to a channel; see ``AsyncClient.subscribe``."""
        self._loop.run(
            self._client.subscribe(channel, grant=grant, recover=recover, timeout_s=timeout_s)
        )

    def unsubscribe(self, channel: str) -> None:
        """End a subscription of ``subscribe``."""
        self._loop.call(lambda: self._client.unsubscribe(channel))

    def publish(
        self, channel: str, event: str, data: Any, *, timeout_s: float | None = ANSWER_TIMEOUT_S
    ) -> int | None:
        """Publish on a subscribed channel; see ``AsyncClient.publish``."""
        return self._loop.run(self._client.publish(channel, event, data, timeout_s=timeout_s))

    def presence(self, channel: str, *, timeout_s: float | None = ANSWER_TIMEOUT_S) -> Presence:
        """Request the presence of a channel; raises as ``AsyncClient.presence``."""
        return self._loop.run(self._client.presence(channel, timeout_s=timeout_s))

    def set_presence(
        self,
        channel: str,
        data: dict[str, Any] | None,
        *,
        timeout_s: float | None = ANSWER_TIMEOUT_S,
    ) -> None:
        """Set what presence shows of this client; see ``AsyncClient.set_presence``."""
        self._loop.run(self._client.set_presence(channel, data, timeout_s=timeout_s))

    def receive(self, timeout_s: float | None = None) -> Event:
        """Return the next event, and wait for it; raises as ``AsyncClient.receive``."""
        return self._loop.run(self._client.receive(timeout_s))

    def __iter__(self) -> Iterator[Event]:
        """Return events until the caller closes the client.

        Raises:
            ConnectionClosed: the connection has ended for another reason.
        """
        while True:
            try:
                event = self.receive()
            except ConnectionClosed as closed:
                if closed.code == _CLOSED_BY_CALLER:
                    return
                raise
            yield event


class _LoopThread:
    """An asyncio loop in a daemon thread, which starts at once."""

    def __init__(self) -> None:
        self._is_ready = Flag()
        self._thread = Thread(target=self._serve, name="sockgate-client", daemon=True)
        self._thread.start()
        self._is_ready.wait()

    @property
    def is_running(self) -> bool:
        """Whether it has not been stopped."""
        return self._thread.is_alive()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there, and wait for its result.

        Raises:
            ConnectionClosed: the thread has been stopped.
        """
        if not self.is_running:
            coroutine.close()
            raise ConnectionClosed(_CLOSED_BY_CALLER, "the client was closed; create another one")
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def call(self, function: Callable[[], T]) -> T:
        """Call a function there, and wait for its result."""

        async def run() -> T:
            return function()

        return self.run(run())

    def stop(self) -> None:
        """End loop and thread."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.run(self._wait())

    async def _wait(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._is_ready.set()
        await self._over.wait()
