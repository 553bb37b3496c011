"""Sequenced publishing as any program does it, and the positions that a client keeps."""

import json
from secrets import token_hex
from typing import Any

from redis import Redis
from sockgate_gateway.wire import scripts
from sockgate_gateway.wire.names import Names
from websockets.asyncio.client import ClientConnection

from tests.integration.gatewayprocess import receive_frame

NAMES = Names()
HOUR_MS = 3_600_000
REMEMBERED_MS = 600_000
"""Longer than anything is published again and again."""


def publish_in_sequence(
    redis: Redis, channel: str, data: object, *, size: int = 1000
) -> tuple[str, int]:
    """Publish, and return the position: epoch, offset."""
    epoch, offset, _, _ = append_to_sequence(redis, channel, json.dumps(data), size=size)
    return epoch.decode(), offset


def append_to_sequence(
    redis: Redis,
    channel: str,
    payload: str,
    *,
    size: int = 1000,
    once: str = "",
    command: str = "PUBLISH",
) -> Any:
    """Publish JSON, also in a pipeline; return what the script returns.

    Args:
        redis: a client or a pipeline.
        channel: its name.
        payload: JSON.
        size: how many publications are kept.
        once: idempotency key, remembered for ten minutes.
        command: by which the script publishes.
    """
    keys = [NAMES.history(channel), NAMES.offset(channel)]
    keys.append(NAMES.published(channel, once) if once else keys[1])
    arguments = [NAMES.channel(channel), payload, token_hex(6), size, HOUR_MS]
    arguments += [REMEMBERED_MS if once else 0, command, HOUR_MS]
    return redis.execute_command("EVAL", scripts.PUBLISH, 3, *keys, *arguments)


class ClientState:
    """The state of a client: its positions, as the client library keeps them, and what it received.

    ``received`` holds what the application receives on each channel: data, or ``GAP``. ``holes``
    counts offsets that were skipped, ``duplicates`` those that were received again.
    """

    GAP = "gap"

    def __init__(self) -> None:
        self.positions: dict[str, list[Any]] = {}
        self.received: dict[str, list[Any]] = {}
        self.duplicates = 0
        self.holes = 0
        self.welcome: dict[str, Any] = {}

    def connect_frame(self, token: str) -> str:
        return json.dumps({"type": "connect", "token": token, "recover": self.positions})

    def handle(self, frame: dict[str, Any]) -> None:
        """Update the state with a frame."""
        kind = frame.get("type")
        if kind == "connected":
            self.welcome = frame
            for channel, at in frame["channels"].items():
                self._set_position(channel, at)
        elif kind == "subscribed":
            self._set_position(frame["channel"], frame)
        elif kind == "gap":
            self._set_position(frame["channel"], {**frame, "recovered": False})
        elif kind is None:
            self._handle_publication(frame)

    async def receive_until(self, browser: ClientConnection, channel: str, data: object) -> None:
        """Receive frames up to a publication."""
        while data not in self.received.get(channel, ()):
            self.handle(await receive_frame(browser))

    async def receive_type(self, browser: ClientConnection, kind: str) -> dict[str, Any]:
        """Receive frames up to one of this type."""
        while True:
            frame = await receive_frame(browser)
            self.handle(frame)
            if frame.get("type") == kind:
                return frame

    def _set_position(self, channel: str, at: dict[str, Any]) -> None:
        if at.get("recovered") is False:
            self.received.setdefault(channel, []).append(self.GAP)
        if "epoch" in at:
            self.positions[channel] = [at["epoch"], at["offset"]]

    def _handle_publication(self, frame: dict[str, Any]) -> None:
        channel = frame["channel"]
        if "offset" in frame:
            if frame.get("epoch", self.positions[channel][0]) != self.positions[channel][0]:
                self.positions[channel] = [frame["epoch"], 0]
            if frame["offset"] <= self.positions[channel][1]:
                self.duplicates += 1
                return
            self.holes += frame["offset"] != self.positions[channel][1] + 1
            self.positions[channel][1] = frame["offset"]
        self.received.setdefault(channel, []).append(frame["data"])
