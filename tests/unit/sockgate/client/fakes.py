"""A client on a loop with a clock of its own, and a gateway that the test plays."""

import asyncio
import heapq
import json
from collections.abc import Callable
from typing import Any

from sockgate.client import CredentialsError, IssuedGrant, IssuedToken, Reconnect
from sockgate.client.core import Core
from sockgate.client.events import StateChanged
from sockgate_gateway.wire import protocol
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Headers, Response

URL = "https://push.example/realtime"
STEPS = 40
"""More iterations of the loop than one change needs."""


class Loop(asyncio.SelectorEventLoop):
    """Runs timers when the test moves its clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.handles: list[tuple[float, int, asyncio.TimerHandle]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Any, *args: Any, **more: Any) -> asyncio.TimerHandle:
        handle = super().call_at(when, callback, *args, **more)
        heapq.heappush(self.handles, (when, id(handle), handle))
        return handle

    def next_at(self) -> float | None:
        """Return when the next timer is due."""
        while self.handles and (self.handles[0][2].cancelled() or self.handles[0][0] <= self.now):
            heapq.heappop(self.handles)
        return self.handles[0][0] if self.handles else None

    def settle(self) -> None:
        """Run everything that is due."""
        for _ in range(STEPS):
            self.call_soon(self.stop)
            self.run_forever()


class Socket:
    """The client's end of a WebSocket that the test plays."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.is_open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.messages: asyncio.Queue[str | Exception] = asyncio.Queue()
        self.was_open = self.is_closed = False

    async def send(self, message: str) -> None:
        self.sent.append(json.loads(message))

    async def recv(self) -> str:
        message = await self.messages.get()
        if isinstance(message, Exception):
            raise message
        return message

    async def close(self) -> None:
        self.is_closed = True


class Bench:
    """Plays everything around a client. Every random number is one half."""

    def __init__(self, loop: Loop, url: str = URL) -> None:
        self.loop = loop
        self.events: list[Any] = []
        self.characters: list[int] = []
        self.on_event: Callable[[Any], None] = lambda _: None
        self.sockets: list[Socket] = []
        self.urls: list[str] = []
        self.fetches: list[asyncio.Future[IssuedToken]] = []
        self.grant_fetches: list[tuple[str, asyncio.Future[IssuedGrant]]] = []
        self.answers: list[asyncio.Future[Any]] = []
        self.core = Core(
            self,
            self._open_socket,
            self._take,
            url=url,
            reconnect=Reconnect(min_s=1.0, max_s=30.0),
            random=lambda: 0.5,
        )
        self.connection = self.core.connection

    # What the client calls.

    async def fetch_token(self) -> IssuedToken:
        self.fetches.append(self.loop.create_future())
        return await self.fetches[-1]

    async def fetch_grant(self, channel: str) -> IssuedGrant:
        self.grant_fetches.append((channel, self.loop.create_future()))
        return await self.grant_fetches[-1][1]

    async def _open_socket(self, url: str) -> Socket:
        self.urls.append(url)
        socket = Socket()
        self.sockets.append(socket)
        await socket.is_open
        socket.was_open = True
        return socket

    def _take(self, event: Any, characters: int) -> None:
        self.events.append(event)
        self.characters.append(characters)
        self.on_event(event)

    # What the test sees.

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The frames on the newest socket."""
        return self.sockets[-1].sent

    @property
    def states(self) -> list[StateChanged]:
        return [event for event in self.events if isinstance(event, StateChanged)]

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    # What the test does.

    def run(self) -> None:
        self.loop.settle()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function within the loop, and let follow what follows."""

        async def run() -> Any:
            return function(*arguments)

        result = self.loop.run_until_complete(run())
        self.run()
        return result

    def advance(self, seconds: float) -> None:
        end = self.loop.now + seconds
        while (at := self.loop.next_at()) is not None and at <= end:
            self.loop.now = at
            self.run()
        self.loop.now = end

    def connect(self, token: str | None = "T1") -> None:
        self.call(self.connection.connect)
        if token is not None:
            self.issue(token)

    def close(self) -> None:
        self.call(self.connection.close)

    def issue(self, token: str, expires_in_s: float | None = 3600, url: str = "") -> None:
        self.fetches[-1].set_result(IssuedToken(token, expires_in_s, url))
        self.run()

    def fail_token(self, status: int, *, is_final: bool = False) -> None:
        self.fetches[-1].set_exception(CredentialsError("why", status, is_final=is_final))
        self.run()

    def grant(self, grant: str | None) -> None:
        self.grant_fetches[-1][1].set_result(IssuedGrant(grant, 3600))
        self.run()

    def refuse_grant(self, status: int, *, is_final: bool) -> None:
        error = CredentialsError("no", status, is_final=is_final)
        self.grant_fetches[-1][1].set_exception(error)
        self.run()

    def open(self) -> None:
        self.sockets[-1].is_open.set_result(None)
        self.run()

    def deliver(self, *frames: Any) -> None:
        for frame in frames:
            text = frame if isinstance(frame, str) else json.dumps(frame)
            self.sockets[-1].messages.put_nowait(text)
        self.run()

    def welcome(self, **more: Any) -> None:
        self.open()
        frame = {"type": "connected", "connection": "c1", "user": "7", "expires": None}
        self.deliver({**frame, "channels": {"user:7": {}, "broadcast": {}}, **more})

    def lose(self, code: int, reason: str = "why") -> None:
        """Close the newest socket, or refuse to open it with an HTTP status."""
        socket = self.sockets[-1]
        if not socket.is_open.done() and code == 1006:
            socket.is_open.set_exception(OSError(reason))
        elif not socket.is_open.done() and code < 1000:
            socket.is_open.set_exception(InvalidStatus(Response(code, reason, Headers())))
        else:
            if not socket.is_open.done():
                socket.is_open.set_result(None)
            close = None if code == 1006 else Close(code, reason)
            socket.messages.put_nowait(ConnectionClosedError(close, None))
        self.run()

    def reconnect(self, **more: Any) -> None:
        self.lose(1006)
        self.advance(0.5)
        self.welcome(**more)

    def subscribe(self, channel: str, *, grant: Any = None, recover: Any = True) -> bool:
        return self.call(self.core.channels.add, channel, grant, recover)

    def unsubscribe(self, channel: str) -> None:
        self.call(self.core.channels.remove, channel)

    def ask(self, frame_of: Callable[[int], protocol.ClientFrame]) -> None:
        number = self.call(self.core.requests.send, frame_of)
        self.answers.append(self.loop.create_task(self.core.requests.wait(number)))
        self.run()

    def answer(self, **more: Any) -> None:
        """Answer the newest frame."""
        self.deliver({**more, "reply_to": self.sent[-1]["id"]})
