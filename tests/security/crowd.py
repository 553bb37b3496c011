"""A thousand browsers that cost next to nothing: raw WebSockets on one loop, in a thread."""

import asyncio
import json
import threading
from collections.abc import Coroutine
from typing import Any

from sockgate_gateway.websocket.frames import Opcode as Op
from sockgate_gateway.websocket.frames import encode, unmask

MASK = b"\x00\x00\x00\x00"
OPEN_AT_ONCE = 100


class Member(asyncio.Protocol):
    """One browser: shows its token, then keeps every frame."""

    def __init__(self, handshake: bytes, connect: bytes) -> None:
        self._loop = asyncio.get_running_loop()
        self._handshake = handshake
        self._connect = connect
        self._buffer = b""
        self._is_upgraded = False
        self.frames: list[bytes] = []
        self.code: int | None = None
        self.welcomed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = threading.Event()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._handshake)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed.set()
        if not self.welcomed.done():
            self.welcomed.set_exception(ConnectionError(f"closed: {self.code} {error}"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_upgraded:
            head, end, self._buffer = self._buffer.partition(b"\r\n\r\n")
            assert end and b" 101 " in head, head
            self._is_upgraded = True
            self._send(Op.TEXT, self._connect)
        self._read_frames()

    def _read_frames(self) -> None:
        buffer, at = self._buffer, 0
        while len(buffer) >= at + 2:
            size, start = buffer[at + 1], at + 2
            if size > 125:
                start += 2 if size == 126 else 8
                size = int.from_bytes(buffer[at + 2 : start])
            if len(buffer) < start + size:
                break
            self._take(buffer[at] & 0x0F, buffer[start : start + size])
            at = start + size
        self._buffer = buffer[at:]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == Op.TEXT:
            self.frames.append(payload)
            if not self.welcomed.done():
                self.welcomed.set_result(None)
        elif opcode == Op.PING:
            self._send(Op.PONG, payload)
        elif opcode == Op.CLOSE:
            self.code = int.from_bytes(payload[:2])
            self._transport.close()

    def _send(self, opcode: Op, payload: bytes) -> None:
        self._transport.write(masked(opcode, payload))

    @property
    def user(self) -> str:
        """The uid that the welcome names."""
        return str(json.loads(self.frames[0])["user"])

    def send(self, *frames: dict[str, Any]) -> None:
        """Send frames in one packet, from another thread than the loop's."""
        packet = b"".join(masked(Op.TEXT, json.dumps(frame).encode()) for frame in frames)
        self._loop.call_soon_threadsafe(self._transport.write, packet)

    def read(self) -> list[dict[str, Any]]:
        """Return every frame that has come."""
        return [json.loads(frame) for frame in list(self.frames)]

    def leave(self) -> None:
        self._transport.abort()


def masked(opcode: Op, payload: bytes) -> bytes:
    frame = bytearray(encode(opcode, payload))
    frame[1] |= 0x80
    head = len(frame) - len(payload)
    return bytes(frame[:head]) + MASK + unmask(payload, MASK)


class Crowd:
    """Browsers on a loop of their own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.members: list[Member] = []

    def open(self, tokens: list[str]) -> list[Member]:
        """Open one connection for each token, and wait until all are welcomed."""
        opened = self._run(self._open(tokens))
        self.members += opened
        return opened

    def open_unwelcomed(self, tokens: list[str]) -> list[Member]:
        """Open one connection for each token, and wait for no answer."""
        opened = self._run(self._open_unwelcomed(tokens))
        self.members += opened
        return opened

    def stop(self) -> None:
        self._run(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _open(self, tokens: list[str]) -> list[Member]:
        members: list[Member] = []
        for start in range(0, len(tokens), OPEN_AT_ONCE):
            chunk = tokens[start : start + OPEN_AT_ONCE]
            opened = await asyncio.gather(*map(self._open_one, chunk))
            await asyncio.gather(*(member.welcomed for member in opened))
            members += opened
        return members

    async def _open_unwelcomed(self, tokens: list[str]) -> list[Member]:
        members = [await self._open_one(token) for token in tokens]
        for member in members:
            member.welcomed.add_done_callback(lambda welcomed: welcomed.exception())
        return members

    async def _open_one(self, token: str) -> Member:
        handshake = (
            f"GET /realtime/websocket HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        connect = f'{{"type":"connect","token":"{token}"}}'
        _, member = await self._loop.create_connection(
            lambda: Member(handshake.encode(), connect.encode()), "127.0.0.1", self._port
        )
        return member

    async def _leave(self) -> None:
        for member in self.members:
            member.leave()
        await asyncio.sleep(0.1)  # The transports report their end in the next turns.
