"""Browsers that come back again and again, on any transport, with their positions."""

import asyncio
import json
from collections import Counter
from random import uniform
from typing import Any

from .gatewayprocess import Gateway
from .lines import BROKEN, LINES, Closed, Line
from .sequences import Listener

BACK_AFTER_S = (0.01, 0.2)
SILENCE_S = 20
"""Who hears nothing for so long comes back, as the client library does: a sockjs-client in Node.js
that streams does not notice that its gateway was killed."""


class Returning:
    """A browser that is there, or on its way back, until it is let go.

    Args:
        gateway: where it connects.
        token: what it shows.
        public: channels that it asks for.
        way: how it connects; may be another one the next time.

    ``ends`` counts how connections ended: close codes, HTTP statuses, 0 for broken links.
    """

    def __init__(
        self, gateway: Gateway, token: str, public: tuple[str, ...], way: type[Line]
    ) -> None:
        self.gateway = gateway
        self.token = token
        self.public = public
        self.way = way
        self.listener = Listener()
        self.times_welcomed = 0
        self.ends: Counter[int] = Counter()
        self.reads = asyncio.Event()
        self.reads.set()

    async def run(self) -> None:
        """Connect, listen, and come back when cut off."""
        while True:
            self._attached = asyncio.ensure_future(self._attach())
            await asyncio.wait([self._attached])
            if not self._attached.cancelled():
                self._note_end(self._attached)
            await asyncio.sleep(uniform(*BACK_AFTER_S))

    def cut(self) -> None:
        """Lose the connection without a word."""
        self._attached.cancel()

    def move(self, gateway: Gateway, way: type[Line]) -> None:
        """Come back elsewhere, and on another transport if this one is not a program's own."""
        self.gateway = gateway
        self.way = way if self.way in LINES else self.way
        self.cut()

    async def starve(self, seconds: float) -> None:
        """Read nothing for a while."""
        self.reads.clear()
        await asyncio.sleep(seconds)
        self.reads.set()

    async def leave(self) -> None:
        """Go for good."""
        self.cut()
        await asyncio.wait([self._attached])

    async def _attach(self) -> None:
        line = self.way(f"http://127.0.0.1:{self.gateway.port}/realtime")
        try:
            await line.open()
            await line.say(self.listener.connect_frame(self.token))
            while True:
                async with asyncio.timeout(SILENCE_S):
                    frames = await line.hear()
                for frame in frames:
                    for answer in self.take(frame):
                        await line.say(answer)
                await self.reads.wait()
        finally:
            await line.drop()

    def _note_end(self, attached: asyncio.Future[None]) -> None:
        try:
            attached.result()
        except Closed as closed:
            self.ends[closed.code] += 1
        except BROKEN:
            self.ends[0] += 1

    def take(self, frame: dict[str, Any]) -> list[str]:
        """Take a frame, and give what to answer."""
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
