"""``Client``: the client for programs without asyncio."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import wraps
from threading import Event as Flag
from threading import Thread
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from .async_client import (
    CLOSED_BY_CALLER,
    MAX_CHARACTERS,
    MAX_EVENTS,
    AsyncClient,
)
from .backoff import Reconnect
from .credentials import CredentialSource
from .errors import ConnectionClosed
from .events import Event, State
from .sockets import SocketOptions

P = ParamSpec("P")
T = TypeVar("T")


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
            raise ConnectionClosed(CLOSED_BY_CALLER, "the client was closed; create another one")
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


def _awaited(
    method: Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["Client", P], T]:
    """Return a method that blocks until one of ``AsyncClient`` has returned."""

    @wraps(method)
    def call(self: "Client", /, *args: P.args, **options: P.kwargs) -> T:
        return self._loop.run(method(self._client, *args, **options))

    return call


def _called(
    method: Callable[Concatenate[AsyncClient, P], T],
) -> Callable[Concatenate["Client", P], T]:
    """Return a method that calls one of ``AsyncClient`` in the thread of its loop."""

    @wraps(method)
    def call(self: "Client", /, *args: P.args, **options: P.kwargs) -> T:
        return self._loop.call(lambda: method(self._client, *args, **options))

    return call


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

    def __exit__(self, *_: object) -> None:
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

    def close(self) -> None:
        """Close for good: connection and thread."""
        if self._loop.is_running:
            self._loop.run(self._client.aclose())
            self._loop.stop()

    connect = _called(AsyncClient.connect)
    wait_until_connected = _awaited(AsyncClient.wait_until_connected)
    subscribe = _awaited(AsyncClient.subscribe)
    unsubscribe = _called(AsyncClient.unsubscribe)
    publish = _awaited(AsyncClient.publish)
    presence = _awaited(AsyncClient.presence)
    set_presence = _awaited(AsyncClient.set_presence)
    receive = _awaited(AsyncClient.receive)

    def __iter__(self) -> Iterator[Event]:
        """Return events until the caller closes the client.

        Raises:
            ConnectionClosed: the connection has ended for another reason.
        """
        while True:
            try:
                event = self.receive()
            except ConnectionClosed as closed:
                if closed.code == CLOSED_BY_CALLER:
                    return
                raise
            yield event
