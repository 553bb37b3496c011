"""Which WebSockets are accepted and which are refused, on Tornado's path and the fast path."""

import json

import pytest
from websockets.exceptions import InvalidStatus

from tests.unit.gateway.websocket.gateway import FRIEND, RAW_PATH, SOCKJS_PATH, handshake


async def test_raw_websocket_is_accepted(open_gateway):
    async with open_gateway() as gateway, gateway.connect() as browser:
        await browser.send("hello")
        assert await browser.recv() == "hello"


async def test_sockjs_websocket_is_accepted(open_gateway):
    async with open_gateway() as gateway, gateway.connect(SOCKJS_PATH) as browser:
        assert await browser.recv() == "o"
        await browser.send(json.dumps(["hello"]))
        assert await browser.recv() == 'a["hello"]'


async def test_path_with_a_query_is_accepted(open_gateway):
    async with open_gateway() as gateway, gateway.connect(RAW_PATH + "?t=1") as browser:
        await browser.send("hello")
        assert await browser.recv() == "hello"


@pytest.mark.parametrize("path", [RAW_PATH, SOCKJS_PATH])
@pytest.mark.parametrize("origin", ["https://foe.example", "null", FRIEND + ".foe.example"])
async def test_foreign_origin_is_refused(open_gateway, path, origin):
    async with open_gateway() as gateway:
        with pytest.raises(InvalidStatus) as refused:
            await gateway.connect(path, origin=origin)
        assert refused.value.response.status_code == 403
        assert gateway.lifecycle.connections == []


async def test_own_and_configured_origins_are_accepted(open_gateway):
    async with open_gateway() as gateway:
        for origin in (FRIEND, f"http://127.0.0.1:{gateway.port}"):
            async with gateway.connect(origin=origin):
                pass


async def test_full_worker_refuses_with_retry_after(open_gateway):
    async with open_gateway() as gateway:
        gateway.lifecycle.is_full = True
        with pytest.raises(InvalidStatus) as refused:
            await gateway.connect()
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"] == "5"


async def test_handshake_of_another_version_is_refused(open_gateway):
    async with open_gateway() as gateway:
        response = await gateway.request(handshake().replace(b"Version: 13", b"Version: 8"))
        assert response.startswith(b"HTTP/1.1 426 ")
        assert gateway.lifecycle.connections == []
