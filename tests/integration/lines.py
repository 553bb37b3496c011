"""Connections to a gateway on every transport, with asyncio: hundreds fit into one program.

A line sends texts and receives frames until it breaks. The SockJS framing comes from the tabs of
the end-to-end tests.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from secrets import token_hex
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.e2e.nodetab import PROGRAM, find_node
from tests.e2e.nodetab import TRANSPORTS as NODE_TRANSPORTS
from tests.e2e.tabs import TABS, Close, HttpTab, PollTab, packet_of, unpack
from tests.integration.gatewayprocess import FRIEND

OPEN_LIMIT_S = 15
LONGEST_LINE = 1 << 20


class Closed(EOFError):
    """The line ended, with a close code, an HTTP status, or 1006 for none."""

    def __init__(self, code: int = 1006) -> None:
        super().__init__(code)
        self.code = code


BROKEN = (OSError, WebSocketException, TimeoutError, EOFError, asyncio.LimitOverrunError)


class Line(ABC):
    """One connection.

    Args:
        url: of the gateway, with its prefix.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    @abstractmethod
    async def open(self) -> None:
        """Connect."""

    @abstractmethod
    async def send(self, text: str) -> None:
        """Send one frame."""

    @abstractmethod
    async def receive(self) -> list[dict[str, Any]]:
        """Wait for frames."""

    @abstractmethod
    async def drop(self) -> None:
        """Drop the connection without a close."""


class RawWebSocketLine(Line):
    path = "/websocket"
    _socket: ClientConnection | None = None

    async def open(self) -> None:
        url = self.url.replace("http", "ws", 1) + self.path
        options = {"compression": None, "proxy": None, "ping_interval": None, "max_size": None}
        self._socket = await connect(url, open_timeout=OPEN_LIMIT_S, **options)

    async def send(self, text: str) -> None:
        assert self._socket
        await self._socket.send(text)

    async def receive(self) -> list[dict[str, Any]]:
        return [json.loads(await self._receive_text())]

    async def drop(self) -> None:
        if self._socket:
            self._socket.transport.abort()

    async def _receive_text(self) -> str:
        assert self._socket
        try:
            return str(await self._socket.recv())
        except ConnectionClosed as closed:
            raise Closed(closed.rcvd.code if closed.rcvd else 1006) from None


class WebSocketLine(RawWebSocketLine):
    @property
    def path(self) -> str:
        return f"/000/{token_hex(8)}/websocket"

    async def send(self, text: str) -> None:
        await super().send(json.dumps([text]))

    async def receive(self) -> list[dict[str, Any]]:
        return frames_of(await self._receive_text())


class HttpLine(Line):
    """Requests of HTTP/1.0, whose responses end with their connection."""

    tab: ClassVar[type[HttpTab]]

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._session = f"/000/{token_hex(8)}/"
        self._writers: set[StreamWriter] = set()
        self._response: StreamReader | None = None

    async def open(self) -> None:
        await self.receive()

    async def send(self, text: str) -> None:
        tab, frames = self.tab, json.dumps([text])
        is_form = tab.sender == "jsonp_send"
        kind = "application/x-www-form-urlencoded" if is_form else "text/plain"
        body = urlencode({"d": frames}) if is_form else frames
        answer = await self._request("POST", tab.sender, body, kind)
        await answer.read()

    async def receive(self) -> list[dict[str, Any]]:
        """Receive a packet; send another request when the response has ended."""
        while True:
            if self._response is None:
                path = self.tab.transport + self.tab.query
                self._response = await self._request(self.tab.method, path)
            line = (await self._response.readline()).decode()
            if not line.endswith("\n"):
                self._response = None
            elif found := self.tab.packet.fullmatch(line.rstrip("\r\n")):
                if issubclass(self.tab, PollTab):
                    self._response = None
                return frames_of(packet_of(found))

    async def drop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _request(
        self, method: str, path: str, body: str = "", kind: str = "text/plain"
    ) -> StreamReader:
        parts = urlsplit(self.url)
        opened = asyncio.open_connection(parts.hostname, parts.port, limit=LONGEST_LINE)
        async with asyncio.timeout(OPEN_LIMIT_S):
            reader, writer = await opened
        self._writers = {w for w in self._writers if not w.transport.is_closing()} | {writer}
        writer.write(
            f"{method} {parts.path}{self._session}{path} HTTP/1.0\r\nHost: {parts.netloc}\r\n"
            f"Origin: {FRIEND}\r\nReferer: {FRIEND}/\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        status = (await reader.readline()).split()
        while (await reader.readline()).strip():
            pass
        if status[1:2] not in ([b"200"], [b"204"]):
            raise Closed(int(status[1]) if status else 1006)
        return reader


def http_line(transport: str) -> type[HttpLine]:
    """Return the line of a transport that consists of requests."""
    return type(f"{transport}_line", (HttpLine,), {"tab": TABS[transport]})


class NodeLine(Line):
    """On sockjs-client, in a Node.js of its own."""

    transport: ClassVar[str]
    _process: Process | None = None

    async def open(self) -> None:
        command = [find_node(), str(PROGRAM), self.url, self.transport]
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE
        )
        async with asyncio.timeout(OPEN_LIMIT_S):
            await self._event()

    async def send(self, text: str) -> None:
        assert self._process
        assert self._process.stdin
        self._process.stdin.write(text.encode() + b"\n")
        await self._process.stdin.drain()

    async def receive(self) -> list[dict[str, Any]]:
        event = await self._event()
        if "close" in event:
            raise Closed(event["close"][0])
        return [event["frame"]]

    async def drop(self) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _event(self) -> dict[str, Any]:
        assert self._process
        assert self._process.stdout
        line = await self._process.stdout.readline()
        if not line:
            raise Closed
        return dict(json.loads(line))


def node_line(transport: str) -> type[NodeLine]:
    """Return the line of sockjs-client on one transport."""
    return type(f"node_{transport}_line", (NodeLine,), {"transport": transport})


def frames_of(packet: str) -> list[dict[str, Any]]:
    """Return the frames of a SockJS packet.

    Raises:
        Closed: the packet is the last.
    """
    frames = unpack(packet)
    for frame in frames:
        if isinstance(frame, Close):
            raise Closed(frame.code)
    return [frame for frame in frames if isinstance(frame, dict)]


_REQUESTS = ("xhr_streaming", "xhr", "eventsource", "htmlfile", "jsonp")
LINES = (RawWebSocketLine, WebSocketLine, *map(http_line, _REQUESTS))
NODE_LINES = tuple(map(node_line, NODE_TRANSPORTS))
