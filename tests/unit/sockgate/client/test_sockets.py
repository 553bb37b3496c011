import asyncio
import logging

import pytest
from sockgate.client.sockets import SocketOptions, close_of, open_socket
from websockets.asyncio.server import ServerConnection, serve


def test_redirect_of_the_handshake_is_not_followed() -> None:
    asyncio.run(_try_a_redirect())


async def _try_a_redirect() -> None:
    visits: list[object] = []

    async def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(writer)
        writer.close()

    elsewhere = await asyncio.start_server(note, "127.0.0.1", 0)
    target = f"ws://127.0.0.1:{elsewhere.sockets[0].getsockname()[1]}/"

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    gateway = await asyncio.start_server(redirect, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{gateway.sockets[0].getsockname()[1]}/realtime"
    async with elsewhere, gateway:
        with pytest.raises(Exception, match="302") as refused:
            await open_socket(url, SocketOptions(uses_proxy=False))
    assert (close_of(refused.value).code, visits) == (302, [])


def test_token_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.run(_send("the-token"))
    assert "the-token" not in caplog.text


async def _send(text: str) -> None:
    received: asyncio.Future[str | bytes] = asyncio.get_running_loop().create_future()

    async def receive(connection: ServerConnection) -> None:
        received.set_result(await connection.recv())

    quiet = logging.getLogger("tests.quiet")
    quiet.setLevel(logging.INFO)
    async with serve(receive, "127.0.0.1", 0, logger=quiet) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        url = f"http://127.0.0.1:{port}/realtime"
        socket = await open_socket(url, SocketOptions(uses_proxy=False))
        await socket.send(text)
        assert await received == text
        await socket.close()
