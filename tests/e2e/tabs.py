"""A browser tab on each transport, as programs play it: raw sockets and plain HTTP.

A tab is given the origin of its page. ``read`` gives the next frame as a dict, or the ``Close``
that came instead; how SockJS packs frames stays in here.
"""

import json
import re
from abc import ABC, abstractmethod
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from secrets import token_hex
from typing import Any, ClassVar
from urllib.parse import unquote, urlencode, urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

PATIENCE_S = 30
CALLBACK = "_jp.take"


@dataclass(frozen=True)
class Close:
    """How the gateway ended a connection."""

    code: int
    reason: str


class HttpRefused(Exception):
    """The gateway answered with an HTTP status instead of a transport."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Tab(ABC):
    """One connection.

    Args:
        url: of the gateway, with its prefix.
        origin: of the page; None: no page, but a program.
    """

    transport: ClassVar[str]

    def __init__(self, url: str, origin: str | None) -> None:
        self.url = url
        self.origin = origin
        self._waiting: deque[dict[str, Any] | Close] = deque()

    @abstractmethod
    def open(self) -> None:
        """Connect.

        Raises:
            HttpRefused: HTTP answers with an error.
        """

    @abstractmethod
    def send(self, text: str) -> None:
        """Send one frame."""

    @abstractmethod
    def next_packet(self) -> str:
        """Wait for one frame of SockJS."""

    @abstractmethod
    def close(self) -> None:
        """Let go."""

    def read(self) -> dict[str, Any] | Close:
        while not self._waiting:
            self._take(self.next_packet())
        return self._waiting.popleft()

    def _take(self, packet: str) -> None:
        self._waiting.extend(unpack(packet))

    def show(self, token: str) -> dict[str, Any] | Close:
        """Send a connect frame, and read the answer."""
        self.send(json.dumps({"type": "connect", "token": token}))
        return self.read()


def unpack(packet: str) -> list[dict[str, Any] | Close]:
    """Give the frames of a packet of SockJS, or the close."""
    kind, content = packet[:1], packet[1:]
    if kind == "a":
        return [json.loads(frame) for frame in json.loads(content)]
    if kind == "c":
        return [Close(*json.loads(content))]
    assert packet in ("o", "h"), packet
    return []


class WebSocketTab(Tab):
    transport = "websocket"

    def __init__(self, url: str, origin: str | None) -> None:
        super().__init__(url, origin)
        self._opened = ExitStack()

    @property
    def _path(self) -> str:
        return f"/000/{token_hex(8)}/websocket"

    def open(self) -> None:
        url = self.url.replace("http", "ws", 1) + self._path
        try:
            self._socket = self._opened.enter_context(
                connect(url, origin=self.origin, proxy=None, open_timeout=PATIENCE_S)
            )
        except InvalidStatus as refusal:
            raise HttpRefused(refusal.response.status_code) from None

    def send(self, text: str) -> None:
        self._socket.send(json.dumps([text]))

    def next_packet(self) -> str:
        return str(self._socket.recv(PATIENCE_S))

    def close(self) -> None:
        self._opened.close()

    @property
    def extensions(self):
        """What both sides have agreed on."""
        return self._socket.protocol.extensions


class RawWebSocketTab(WebSocketTab):
    transport = "rawwebsocket"
    _path = "/websocket"

    def send(self, text: str) -> None:
        self._socket.send(text)

    def read(self) -> dict[str, Any] | Close:
        try:
            return dict(json.loads(self.next_packet()))
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, "the socket ended without a close frame"
            return Close(closed.rcvd.code, closed.rcvd.reason)


class HttpTab(Tab):
    """A tab whose page makes requests, tied together by a SockJS session id."""

    method: ClassVar[str]
    query: ClassVar[str] = ""
    sender: ClassVar[str] = "xhr_send"
    packet: ClassVar[re.Pattern[str]]

    def __init__(self, url: str, origin: str | None) -> None:
        super().__init__(url, origin)
        self._session = f"/000/{token_hex(8)}/"
        self._connections: list[HTTPConnection] = []

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> HTTPResponse:
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.netloc, timeout=PATIENCE_S)
        self._connections.append(connection)
        url = parts.path + self._session + path
        connection.request(method, url, body, {**self.page_headers(), **headers})
        response = connection.getresponse()
        if response.status not in (200, 204):
            self.close()
            raise HttpRefused(response.status)
        return response

    def receive(self) -> HTTPResponse:
        return self.ask(self.method, self.transport + self.query)

    def page_headers(self) -> dict[str, str]:
        return {"Origin": self.origin} if self.origin else {}

    def send(self, text: str) -> None:
        self.ask("POST", self.sender, json.dumps([text])).read()

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


class StreamTab(HttpTab):
    """One response that goes on and on, a packet in a line."""

    def open(self) -> None:
        self._response = self.receive()
        self._take(self.next_packet())

    def next_packet(self) -> str:
        while True:
            line = self._response.readline().decode()
            assert line, "the response ended"
            if found := self.packet.fullmatch(line.rstrip("\r\n")):
                return packet_of(found)


class PollTab(HttpTab):
    """One response after another, a packet in each."""

    def open(self) -> None:
        self._take(self.next_packet())

    def next_packet(self) -> str:
        body = self.receive().read().decode()
        found = self.packet.fullmatch(body.rstrip("\r\n"))
        assert found, body
        return packet_of(found)


def packet_of(found: re.Match[str]) -> str:
    """Give the packet that a line or a script carries."""
    return found["plain"] if "plain" in found.groupdict() else str(json.loads(found["quoted"]))


class XhrStreamingTab(StreamTab):
    transport = "xhr_streaming"
    method = "POST"
    packet = re.compile(r"(?P<plain>o|h|[ac].*)")


class EventSourceTab(StreamTab):
    transport = "eventsource"
    method = "GET"
    packet = re.compile(r"data: (?P<plain>.*)")

    def next_packet(self) -> str:
        return unquote(super().next_packet())


class _ScriptTab(HttpTab):
    """Frames that come as scripts: such a request names its page as the referrer."""

    method = "GET"
    query = "?" + urlencode({"c": CALLBACK})

    def page_headers(self) -> dict[str, str]:
        return {"Referer": f"{self.origin}/"} if self.origin else {}


class HtmlFileTab(_ScriptTab, StreamTab):
    transport = "htmlfile"
    packet = re.compile(r'p\((?P<quoted>".*")\);')


class XhrTab(PollTab):
    transport = "xhr"
    method = "POST"
    packet = re.compile(r"(?P<plain>o|h|[ac].*)")


class JsonpTab(_ScriptTab, PollTab):
    transport = "jsonp"
    sender = "jsonp_send"
    packet = re.compile(rf'/\*\*/{re.escape(CALLBACK)}\((?P<quoted>".*")\);')

    def send(self, text: str) -> None:
        form = urlencode({"d": json.dumps([text])})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        self.ask("POST", self.sender, form, **kind).read()


TABS: dict[str, type[Tab]] = {
    tab.transport: tab
    for tab in (
        WebSocketTab,
        RawWebSocketTab,
        XhrStreamingTab,
        XhrTab,
        EventSourceTab,
        HtmlFileTab,
        JsonpTab,
    )
}
