"""Clients that reconnect again and again, on any transport, with their positions."""

import asyncio
import json
from collections import Counter
from random import uniform
from typing import Any

from tests.integration.gatewayprocess import Gateway
from tests.integration.lines import BROKEN, LINES, Closed, Line
from tests.integration.sequences import ClientState

BACK_AFTER_S = (0.01, 0.2)
SILENCE_S = 20
"""A client that receives nothing for so long reconnects, as the client library does. A streaming
sockjs-client in Node.js does not notice that its gateway was killed."""


class ReturningClient:
    """A client that is connected, or reconnects, until it leaves.

    Args:
        gateway: where it connects.
        token: that it sends.
        public: channels that it subscribes to.
        transport: how it connects; ``move`` may change it.

    ``ends`` counts how connections ended: close codes, HTTP statuses, 0 for broken links.
    """

    def __init__(
        self, gateway: Gateway, token: str, public: tuple[str, ...], transport: type[Line]
    ) -> None:
        self.gateway = gateway
        self.token = token
        self.public = public
        self.transport = transport
        self.state = ClientState()
        self.times_welcomed = 0
        self.ends: Counter[int] = Counter()
        self.may_receive = asyncio.Event()
        self.may_receive.set()

    async def run(self) -> None:
        """Connect, receive, and reconnect when cut off."""
        while True:
            self._attached = asyncio.ensure_future(self._attach())
            await asyncio.wait([self._attached])
            if not self._attached.cancelled():
                self._note_end(self._attached)
            await asyncio.sleep(uniform(*BACK_AFTER_S))  # As a client library does.

    def cut(self) -> None:
        """Lose the connection without a close."""
        self._attached.cancel()

    def move(self, gateway: Gateway, transport: type[Line]) -> None:
        """Reconnect to another gateway, on another transport if this one runs in this process."""
        self.gateway = gateway
        self.transport = transport if self.transport in LINES else self.transport
        self.cut()

    def starve(self) -> None:
        """Read nothing until ``read_on``."""
        self.may_receive.clear()

    def read_on(self) -> None:
        """Read again."""
        self.may_receive.set()

    async def leave(self) -> None:
        """Disconnect, and do not reconnect."""
        self.cut()
        await asyncio.wait([self._attached])

    async def _attach(self) -> None:
        line = self.transport(f"http://127.0.0.1:{self.gateway.port}/realtime")
        try:
            await line.open()
            await line.send(self.state.connect_frame(self.token))
            while True:
                async with asyncio.timeout(SILENCE_S):
                    frames = await line.receive()
                for frame in frames:
                    for answer in self.handle(frame):
                        await line.send(answer)
                await self.may_receive.wait()
        finally:
            await line.drop()

    def _note_end(self, attached: asyncio.Future[None]) -> None:
        try:
            attached.result()
        except Closed as closed:
            self.ends[closed.code] += 1
        except BROKEN:
            self.ends[0] += 1

    def handle(self, frame: dict[str, Any]) -> list[str]:
        """Handle a frame, and return the frames to send in reply."""
        self.state.handle(frame)
        if frame.get("code") == "unavailable":
            return [self._subscribe_frame(frame["reply_to"])]
        if frame.get("type") != "connected":
            return []
        self.times_welcomed += 1
        return [self._subscribe_frame(channel) for channel in self.public]

    def _subscribe_frame(self, channel: str) -> str:
        frame = {"type": "subscribe", "channel": channel, "id": channel}
        return json.dumps({**frame, "recover": self.state.positions.get(channel)})
