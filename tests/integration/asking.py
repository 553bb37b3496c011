"""Asking a gateway for something, and waiting for the answer."""

import json
from time import time

from websockets.asyncio.client import ClientConnection

from gateway.wire.tokens import Grant, GrantSigner

from .gatewayprocess import KEY, hear


def grant(channel: str, sid: str = "sid", *, age_s: float = 0, key: str = KEY) -> str:
    return GrantSigner([key], lambda: time() - age_s).issue(Grant(sid, channel))


async def ask(browser: ClientConnection, kind: str, **fields) -> dict:
    """Send a frame and give the answer to it."""
    await browser.send(json.dumps({"type": kind, "id": "asked", **fields}))
    while (frame := await hear(browser)).get("reply_to") != "asked":
        pass
    return frame


async def hear_of(browser: ClientConnection, kind: str) -> dict:
    while (frame := await hear(browser)).get("type") != kind:
        pass
    return frame


async def subscribe(browser: ClientConnection, channel: str, sid: str = "sid", **fields) -> dict:
    return await ask(browser, "subscribe", channel=channel, grant=grant(channel, sid), **fields)
