"""Connections to the gateway as sockjs-client makes them, and the one over xhr-streaming.

They carry SockJS frames (SockJS protocol 0.3.3): ``o``, ``h``, ``a[…]`` with messages, and
``c[code,reason]``. xhr-streaming needs the standard library alone.
"""

import json
from abc import ABC, abstractmethod
from collections import deque
from http.client import HTTPException
from secrets import token_urlsafe
from time import monotonic
from typing import Any

import msgspec
from sockgate_gateway.wire.documentation import address_of

from ...checks.site_http import MAX_SHOWN, open_connection, path_of
from ...deadline import Deadline
from .advice import explain_close
from .gateway import GATEWAY, origin_refused
from .http import exchange, unreachable
from .report import StepFailed

_ID_BYTES = 16
_MAX_LINE_BYTES = 1024 * 1024

WEBSOCKET = "websocket"

_read_texts = msgspec.json.Decoder(list[str]).decode
_read_message = msgspec.json.Decoder(dict[str, Any]).decode
_read_close = msgspec.json.Decoder(tuple[int, str]).decode


class Closed(Exception):
    """The gateway has closed the connection."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Tab(ABC):
    """A connection of one browser tab.

    Args:
        url: of the gateway.
        origin: of the page.
        timeout_s: for each answer.
    """

    name = ""

    def __init__(self, url: str, origin: str, timeout_s: float) -> None:
        self._url = url
        self._session_url = f"{url}/000/{token_urlsafe(_ID_BYTES)}"
        self._origin = origin
        self._timeout_s = timeout_s
        self._messages: deque[dict[str, Any]] = deque()

    def connect(self, token: str) -> str:
        """Open the connection, and show the token; return the connection's channels.

        Raises:
            StepFailed: the gateway refuses; it says why.
            StepSkipped: this transport cannot be tried here.
        """
        self.open()
        self.send(json.dumps({"type": "connect", "token": token}))
        try:
            welcome = self._receive(lambda frame: frame.get("type") == "connected")
        except Closed as closed:
            raise explain_close(closed.code, closed.reason) from closed
        channels = welcome.get("channels")
        return f"channels {', '.join(sorted(channels) if isinstance(channels, dict) else [])}"

    def receive(self, event: str, data: Any) -> str:
        """Wait for a publication.

        Raises:
            StepFailed: it does not arrive.
        """
        wanted = {"event": event, "data": data}
        try:
            frame = self._receive(lambda frame: frame.get("data") == wanted)
        except Closed as closed:
            raise explain_close(closed.code, closed.reason) from closed
        return f"on {frame.get('channel')}"

    def wait_for_close(self) -> str:
        """Wait until the gateway closes the connection because the session has ended.

        Raises:
            StepFailed: it stays open, or is closed with another code than 4500.
        """
        try:
            self._receive(lambda _: False)
        except Closed as closed:
            if closed.code == 4500:
                return f"{closed.code} {closed.reason}"
            raise explain_close(closed.code, closed.reason) from closed
        raise AssertionError  # _receive does not return

    @abstractmethod
    def open(self) -> None:
        """Open the transport.

        Raises:
            StepFailed: it cannot be opened.
            StepSkipped: it cannot be tried here.
        """

    @abstractmethod
    def send(self, text: str) -> None:
        """Send a message; raises ``StepFailed`` when it is refused."""

    @abstractmethod
    def read_frame(self) -> str:
        """Read the next SockJS frame; empty: the connection was lost.

        Raises:
            TimeoutError: none arrives in time.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the transport."""

    def _receive(self, is_wanted: Any) -> dict[str, Any]:
        """Read on until a wanted message comes; raises ``Closed``, or ``StepFailed`` in time."""
        deadline = monotonic() + self._timeout_s
        while True:
            while self._messages:
                frame = self._messages.popleft()
                if is_wanted(frame):
                    return frame
            if monotonic() > deadline:
                raise self._too_late()
            try:
                self._take(self.read_frame())
            except TimeoutError as error:
                raise self._too_late() from error

    def _take(self, frame: str) -> None:
        kind, content = frame[:1], frame[1:]
        try:
            if kind == "a":
                self._messages.extend(map(_read_message, _read_texts(content)))
            elif kind == "c":
                raise Closed(*_read_close(content))
        except (msgspec.MsgspecError, RecursionError) as error:
            raise _no_sockjs(self._url, frame) from error
        if not kind:
            raise Closed(1006, "connection lost")

    def _too_late(self) -> StepFailed:
        return StepFailed(
            f"Nothing has arrived over {self.name} within {self._timeout_s:g} s.",
            "Look into the gateway's log for link_lost or sessions_unreadable. Behind a proxy, "
            "turn off buffering, and raise its time-outs.",
            "connected-and-nothing-arrives",
        )


class StreamingTab(Tab):
    """xhr-streaming: one response that does not end, and a POST for each message."""

    name = "xhr-streaming"
    _response: Any = None

    def open(self) -> None:
        """Begin the response, and read the opening frame."""
        self._connection = open_connection(self._url, self._timeout_s)
        url = f"{self._session_url}/xhr_streaming"
        try:
            self._connection.connect()
            self._sock = self._connection.sock
            with Deadline(self._timeout_s, self._sock):
                self._connection.request("POST", path_of(url), "", {"Origin": self._origin})
                self._response = self._connection.getresponse()
        except (OSError, HTTPException) as error:
            raise unreachable(GATEWAY, url, error) from error
        if self._response.status != 200:
            raise refused(self._response.status, self.name, self._url, self._origin)
        self._await_opening()

    def send(self, text: str) -> None:
        """POST a message."""
        headers = {"Origin": self._origin, "Content-Type": "text/plain"}
        url, body = f"{self._session_url}/xhr_send", json.dumps([text])
        answer = exchange(
            GATEWAY, "POST", url, timeout_s=self._timeout_s, headers=headers, body=body
        )
        if answer.status != 204:
            raise StepFailed(
                f"The gateway answers {answer.shown} to a message over {self.name}.",
                "Behind several gateways, the balancer must hash the session id in the path.",
                "foreign-sessions",
            )

    def read_frame(self) -> str:
        """Read a line of the response."""
        try:
            with Deadline(self._timeout_s, self._sock):
                line = self._response.readline(_MAX_LINE_BYTES)
        except (HTTPException, ConnectionError):
            return ""
        return str(line.decode(errors="replace").rstrip("\n"))

    def close(self) -> None:
        """Close the socket of the response."""
        if self._response is not None:
            self._response.close()
            self._connection.close()

    def _await_opening(self) -> None:
        deadline = monotonic() + self._timeout_s
        try:
            while (frame := self.read_frame()) != "o":
                if not frame or frame[:1] == "c":
                    self._take(frame)
                if monotonic() > deadline:
                    raise self._too_late()
        except TimeoutError as error:
            raise self._too_late() from error
        except Closed as closed:
            raise explain_close(closed.code, closed.reason) from closed


def refused(status: int, transport: str, url: str, origin: str) -> StepFailed:
    """Explain a refused request, by its status."""
    if status == 403:
        return origin_refused(url, origin)
    if transport == WEBSOCKET:
        return no_websocket(f"HTTP {status}")
    return StepFailed(
        f"The gateway answers HTTP {status} over {transport}.",
        "Check SOCKGATE_TRANSPORTS of the gateway, and that a proxy passes POST requests on.",
        "no-transport",
    )


def no_websocket(cause: str) -> StepFailed:
    """Say that no WebSocket can be opened."""
    return StepFailed(
        f"No WebSocket can be opened: {cause}.",
        f"A proxy must pass Upgrade and Connection on ({address_of('deploy.md#behind-nginx')}). "
        "Browsers use xhr-streaming meanwhile.",
        "no-websocket",
    )


def _no_sockjs(url: str, frame: str) -> StepFailed:
    return StepFailed(
        f"What answers at {url} is not a gateway: it sends {frame[:MAX_SHOWN]!a}.",
        'Correct SOCKGATE["GATEWAY_URL"], or the address of the gateway in the proxy.',
        "gateway-not-running",
    )
