"""Sequenced publishing as any program does it, and a browser that keeps its positions."""

import asyncio
import json
from secrets import token_hex
from typing import Any

from redis import Redis
from websockets.asyncio.client import ClientConnection

from gateway.wire import scripts
from gateway.wire.names import Names

from .gatewayprocess import hear

NAMES = Names()
HOUR_MS = 3_600_000
MINUTE_MS = 60_000


def publish_in_sequence(
    redis: Redis, channel: str, data: object, *, size: int = 1000
) -> tuple[str, int]:
    """Publish, and give the position: epoch, offset."""
    epoch, offset, _, _ = append_to_sequence(redis, channel, json.dumps(data), size=size)
    return epoch.decode(), offset


def append_to_sequence(
    redis: Redis, channel: str, payload: str, *, size: int = 1000, once: str = ""
) -> Any:
    """Publish JSON, or have a pipeline do it; give what the script gives.

    Args:
        redis: a client or a pipeline.
        channel: its name.
        payload: JSON.
        size: how many publications are kept.
        once: idempotency key, remembered for a minute.
    """
    keys = [NAMES.history(channel), NAMES.offset(channel)]
    keys.append(NAMES.published(channel, once) if once else keys[1])
    arguments = [NAMES.channel(channel), payload, token_hex(6), size, HOUR_MS]
    arguments += [MINUTE_MS if once else 0, "PUBLISH", HOUR_MS]
    return redis.eval(scripts.PUBLISH, 3, *keys, *arguments)


class Listener:
    """A browser that does what the client library does with positions, and writes down the rest.

    ``heard`` holds what the application is given of each channel: data, or ``GAP``. ``holes``
    counts offsets that were passed over, ``duplicates`` those that came again.
    """

    GAP = "gap"

    def __init__(self) -> None:
        self.positions: dict[str, list[Any]] = {}
        self.heard: dict[str, list[Any]] = {}
        self.duplicates = 0
        self.holes = 0
        self.welcome: dict[str, Any] = {}

    def connect_frame(self, token: str) -> str:
        return json.dumps({"type": "connect", "token": token, "recover": self.positions})

    def take(self, frame: dict[str, Any]) -> None:
        """Do what a frame asks for."""
        kind = frame.get("type")
        if kind == "connected":
            self.welcome = frame
            for channel, at in frame["channels"].items():
                self._stand(channel, at)
        elif kind == "subscribed":
            self._stand(frame["channel"], frame)
        elif kind == "gap":
            self._stand(frame["channel"], {**frame, "recovered": False})
        elif kind is None:
            self._publication(frame)

    async def hear_until(self, browser: ClientConnection, channel: str, data: object) -> None:
        """Take frames until a publication has come."""
        while data not in self.heard.get(channel, ()):
            self.take(await hear(browser))

    async def hear_frame(self, browser: ClientConnection, kind: str) -> dict[str, Any]:
        """Take frames until one of this type has come."""
        while True:
            frame = await hear(browser)
            self.take(frame)
            if frame.get("type") == kind:
                return frame

    def _stand(self, channel: str, at: dict[str, Any]) -> None:
        if at.get("recovered") is False:
            self.heard.setdefault(channel, []).append(self.GAP)
        if "epoch" in at:
            self.positions[channel] = [at["epoch"], at["offset"]]

    def _publication(self, frame: dict[str, Any]) -> None:
        channel = frame["channel"]
        if "offset" in frame:
            if frame.get("epoch", self.positions[channel][0]) != self.positions[channel][0]:
                self.positions[channel] = [frame["epoch"], 0]
            if frame["offset"] <= self.positions[channel][1]:
                self.duplicates += 1
                return
            self.holes += frame["offset"] != self.positions[channel][1] + 1
            self.positions[channel][1] = frame["offset"]
        self.heard.setdefault(channel, []).append(frame["data"])


async def quiet_for(seconds: float, browser: ClientConnection) -> bool:
    """Tell whether a browser hears nothing for a while."""
    try:
        async with asyncio.timeout(seconds):
            await browser.recv()
    except TimeoutError:
        return True
    return False
