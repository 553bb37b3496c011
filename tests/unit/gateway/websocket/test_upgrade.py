"""Requests that are forwarded, and WebSockets that end, on Tornado's path and the fast path."""

import asyncio
import socket
import struct

import pytest
from sockgate_gateway.connections.states import State
from sockgate_gateway.wire.closecodes import CloseCode
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.unit.gateway.websocket.gateway import RAW_PATH, SOCKJS_PATH, handshake
from tests.waiting import turn_loop, until


async def test_close_ends_with_code_and_reason(open_gateway):
    async with open_gateway() as gateway, gateway.connect() as browser:
        gateway.lifecycle.close(gateway.lifecycle.connections[0], CloseCode.SESSION_ENDED)
        with pytest.raises(ConnectionClosed) as closed:
            await browser.recv()
        assert closed.value.rcvd.code == 4500
        assert closed.value.rcvd.reason == "session ended"


async def test_disconnected_browser_closes_its_connection(open_gateway):
    async with open_gateway() as gateway:
        async with gateway.connect():
            pass
        await until(lambda: gateway.lifecycle.connections[0].state is State.CLOSED)


@pytest.mark.parametrize(
    "path",
    [
        "/rt/000/a.b/websocket",
        "/rt/000/websocket",
        "/rt/websocket/",
        "/rtx/websocket",
        f"/rt/000/{'x' * 129}/websocket",
    ],
)
async def test_upgrade_on_another_path_is_forwarded(open_gateway, path):
    async with open_gateway() as gateway:
        response = await gateway.request(handshake(path).replace(b"Upgrade\r\n", b"close\r\n"))
        assert response.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    ("transport", "path"), [("websocket", RAW_PATH), ("rawwebsocket", SOCKJS_PATH)]
)
async def test_websocket_that_is_not_offered_is_forwarded(open_gateway, transport, path):
    async with open_gateway(transports=(transport,)) as gateway:
        with pytest.raises(InvalidStatus) as refused:
            await gateway.connect(path)
        assert refused.value.response.status_code == 404


async def test_other_requests_are_forwarded_one_after_another(open_gateway):
    async with open_gateway() as gateway:
        response = await gateway.request(
            b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n"
            b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
        )
        assert response.count(b"HTTP/1.1 200 OK") == 2
        assert b"127.0.0.1 http" in response
        assert response.endswith(b"body")


async def test_trusted_proxy_forwards_the_client(open_gateway):
    headers = ["X-Forwarded-For: 203.0.113.5", "X-Forwarded-Proto: https"]
    request = "\r\n".join(["GET /page HTTP/1.1", "Host: a", *headers, "Connection: close"])
    async with open_gateway(trusted=("127.0.0.1",)) as gateway:
        response = await gateway.request(request.encode() + b"\r\n\r\n")
        assert response.endswith(b"203.0.113.5 https")
        async with gateway.connect(
            additional_headers={"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"},
            origin=f"https://127.0.0.1:{gateway.port}",
        ):
            assert gateway.lifecycle.connections[-1].address == "203.0.113.5"


async def test_untrusted_peer_cannot_forward_a_client(open_gateway):
    forged = {"X-Forwarded-For": "203.0.113.5"}
    async with open_gateway() as gateway, gateway.connect(additional_headers=forged):
        assert gateway.lifecycle.connections[-1].address == "127.0.0.1"


async def test_disconnect_right_after_the_handshake_closes_the_connection(open_gateway, caplog):
    async with open_gateway() as gateway:
        for _ in range(20):
            sock = socket.create_connection(("127.0.0.1", gateway.port))
            await turn_loop(10)
            sock.sendall(handshake())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        async with gateway.connect() as browser:
            await browser.ping()
        await until(lambda: all(c.state is State.CLOSED for c in gateway.lifecycle.connections))
    assert "Uncaught" not in caplog.text


async def test_no_task_remains_after_a_disconnect(open_gateway):
    async with open_gateway() as gateway:
        before = len(asyncio.all_tasks())
        for _ in range(5):
            async with gateway.connect():
                pass
        await until(lambda: all(c.state is State.CLOSED for c in gateway.lifecycle.connections))
        await until(lambda: len(asyncio.all_tasks()) <= before)
