"""Browsers that come back again and again, over WebSocket or XHR, with their positions."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from secrets import token_hex

from tornado.httpclient import AsyncHTTPClient, HTTPError
from websockets.exceptions import WebSocketException

from .gatewayprocess import Gateway
from .sequences import Listener

BACK_AFTER_S = 0.02
GONE = (OSError, WebSocketException, HTTPError, TimeoutError, EOFError)


class Returning(ABC):
    """A browser that is there, or on its way back, until it is let go.

    Args:
        gateway: where it connects.
        token: what it shows.
        public: channels that it asks for.
    """

    def __init__(self, gateway: Gateway, token: str, public: tuple[str, ...]) -> None:
        self.gateway = gateway
        self.token = token
        self.public = public
        self.listener = Listener()
        self.times_welcomed = 0

    async def run(self) -> None:
        """Connect, listen, and come back when cut off."""
        while True:
            with suppress(*GONE):
                self._attached = asyncio.ensure_future(self.attach())
                await asyncio.wait([self._attached])
                if not self._attached.cancelled():
                    self._attached.result()
            await asyncio.sleep(BACK_AFTER_S)

    def cut(self) -> None:
        """Lose the connection without a word."""
        self._attached.cancel()

    @abstractmethod
    async def attach(self) -> None:
        """Be attached once, for as long as it lasts."""

    def take(self, text: str) -> list[str]:
        """Take a frame, and give what to answer."""
        frame = json.loads(text)
        self.listener.take(frame)
        if frame.get("code") == "unavailable":
            return [self._subscribe_frame(frame["reply_to"])]
        if frame.get("type") != "connected":
            return []
        self.times_welcomed += 1
        return [self._subscribe_frame(channel) for channel in self.public]

    def _subscribe_frame(self, channel: str) -> str:
        frame = {"type": "subscribe", "channel": channel, "id": channel}
        return json.dumps({**frame, "recover": self.listener.positions.get(channel)})


class OverWebSocket(Returning):
    """On a raw WebSocket."""

    async def attach(self) -> None:
        browser = await self.gateway.connect(open_timeout=5, close_timeout=0.1)
        try:
            await browser.send(self.listener.connect_frame(self.token))
            while True:
                for answer in self.take(await browser.recv()):
                    await browser.send(answer)
        finally:
            browser.transport.abort()


class OverXhr(Returning):
    """Through SockJS, one XHR after another."""

    async def attach(self) -> None:
        client = AsyncHTTPClient(force_instance=True)
        origin = f"http://127.0.0.1:{self.gateway.port}"
        session = f"{origin}/realtime/000/{token_hex(6)}"
        try:
            assert await post(client, f"{session}/xhr") == "o\n"
            await self._say(client, session, self.listener.connect_frame(self.token))
            while (frame := await post(client, f"{session}/xhr"))[0] in "ah":
                for text in json.loads(frame[1:]) if frame[0] == "a" else []:
                    for answer in self.take(text):
                        await self._say(client, session, answer)
        finally:
            client.close()

    async def _say(self, client: AsyncHTTPClient, session: str, text: str) -> None:
        await post(client, f"{session}/xhr_send", json.dumps([text]))


async def post(client: AsyncHTTPClient, url: str, body: str = "") -> str:
    answer = await client.fetch(url, method="POST", body=body, request_timeout=30)
    return answer.body.decode()


@asynccontextmanager
async def running(browsers: list[Returning]) -> AsyncIterator[None]:
    """Let browsers come and go meanwhile."""
    tasks = [asyncio.ensure_future(browser.run()) for browser in browsers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for browser in browsers:
            browser.cut()
            await asyncio.wait([browser._attached])
