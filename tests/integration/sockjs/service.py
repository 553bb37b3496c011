"""A SockJS server under test, on a thread of its own, and the program that runs on it.

What a test needs of a server is in ``Service``. There are two: ours (``mended.py``) and
sockjs-tornado as its README shows it (``plain.py``), so that one test can be put to both.
"""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import CancelledError

from sockgate_gateway.config.config import Config
from sockgate_gateway.wire.closecodes import CloseCode
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerConnectionDelegate
from tornado.netutil import bind_sockets

from tests.integration.sockjs.browser import PATIENCE_S, Browser

PREFIX = "/echo"
FRIEND = "https://friend.example"
FOE = "https://foe.example"


class Service(ABC):
    """A server.

    Args:
        program: what the program on it does: ``echo``; ``refuse`` before a session is made, or
            ``refuse late``, on open; ``close`` after open; ``bye``, answer once and close;
            ``stubborn``, close when closed.
        options: fields of our Config.
    """

    patience_s = PATIENCE_S
    router: object

    def __init__(self, program: str = "echo", **options) -> None:
        self.program = program
        self.config = Config(prefix=PREFIX, **{"origins": (FRIEND,), **options})
        self.received: list[str] = []
        self.closed: list[int] = []
        self.participants: list = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._turn_loop)

    @abstractmethod
    def application(self) -> HTTPServerConnectionDelegate: ...

    @abstractmethod
    def build(self) -> object:
        """Build a router, wherever we are."""

    @abstractmethod
    def send(self, *texts: str) -> None:
        """Send from the program to the newest session."""

    @abstractmethod
    def end(self, code: CloseCode = CloseCode.GOING_AWAY) -> None:
        """Close the newest session from the program."""

    @abstractmethod
    def broadcast(self, *texts: str, after: Callable[[], object]) -> None:
        """Send to all WebSockets, one text after the other, in the turn that something happens."""

    @abstractmethod
    def end_newest(self, code: CloseCode = CloseCode.GOING_AWAY) -> None:
        """Close the newest WebSocket from the program."""

    @abstractmethod
    def advance(self, seconds: float) -> None:
        """Let time pass."""

    @abstractmethod
    def remove_first_session(self) -> None:
        """Remove the first session of the server."""

    def start(self) -> "Service":
        self._thread.start()
        self._http = self.run(self._listen)
        (listening,) = self._http._sockets.values()
        self.browser = Browser(listening.getsockname()[1], PREFIX, self.patience_s)
        return self

    def stop(self) -> None:
        self.browser.close()
        self._on_loop(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)

    def run(self, act: Callable[[], object]):
        """Do something on the server's loop."""

        async def acting():
            return act()

        return self._on_loop(acting)

    def until(self, condition: Callable[[], object]) -> None:
        """Let the server's loop turn until something has come true."""

        async def turning():
            while not condition():
                await asyncio.sleep(0)  # One turn of the loop.

        try:
            self._on_loop(turning)
        except (TimeoutError, CancelledError) as error:
            raise AssertionError("it never came true") from error

    def until_waiting(self) -> None:
        """Wait until a response is attached to the newest session."""
        self.until(lambda: self.sessions() and self.handler() is not None)

    def sessions(self) -> list:
        return list(self.router._sessions._items.values())

    def handler(self):
        """Give the response that is attached to the newest session."""
        return self.sessions()[-1].handler

    def timers(self) -> int:
        """Count the timers that the loop keeps."""
        return self.run(lambda: len(self._loop._scheduled))

    def server(self) -> HTTPServer:
        return HTTPServer(self.application())

    def _listen(self) -> HTTPServer:
        server = self.server()
        server.add_sockets(bind_sockets(0, "127.0.0.1"))
        return server

    def _on_loop(self, work):
        async def work_in_time():
            async with asyncio.timeout(self.patience_s):
                return await work()

        future = asyncio.run_coroutine_threadsafe(work_in_time(), self._loop)
        return future.result(2 * self.patience_s)

    async def _close(self) -> None:
        self._http.stop()
        await self._http.close_all_connections()

    def _turn_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))  # One turn, for the cancelled tasks.
        self._loop.close()
