"""Requests of a client, and waiting for the reply."""

import json
from time import time

from sockgate_gateway.wire.tokens import Grant, GrantSigner
from websockets.asyncio.client import ClientConnection

from tests.integration.gatewayprocess import KEY, receive_frame


def grant(channel: str, sid: str = "sid", *, age_s: float = 0, key: str = KEY) -> str:
    return GrantSigner([key], lambda: time() - age_s).issue(Grant(sid, channel))


async def request(browser: ClientConnection, kind: str, **fields) -> dict:
    """Send a frame, and return the reply."""
    await browser.send(json.dumps({"type": kind, "id": "request", **fields}))
    while (frame := await receive_frame(browser)).get("reply_to") != "request":
        pass
    return frame


async def receive_type(browser: ClientConnection, kind: str) -> dict:
    while (frame := await receive_frame(browser)).get("type") != kind:
        pass
    return frame


async def subscribe(browser: ClientConnection, channel: str, sid: str = "sid", **fields) -> dict:
    return await request(browser, "subscribe", channel=channel, grant=grant(channel, sid), **fields)
