"""Thousands of clients that come back at once, as a process: ``python -m …returning_crowd``.

Each client waits as the protocol says: with full jitter between attempts, and after a close as its
code and its reason say. It gives an attempt up when its transport does not open, or ``connect`` is
not answered, in the time that the browser client allows. Over HTTP it asks for ``/info`` first, as
sockjs-client does, and each request has a connection of its own, as behind most proxies. The
options are one JSON object; the result is another one, written when all are welcomed, or after
``patience_s``.
"""

import asyncio
import errno
import json
import os
import re
import resource
import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import random
from secrets import token_hex
from time import monotonic
from typing import Any
from urllib.parse import urlencode

from sockgate_gateway.sockjs.binding import ticket
from sockgate_gateway.websocket.frames import Opcode as Op

from tests.e2e.tabs import TABS, Close, HttpTab, packet_of, unpack
from tests.security.crowd import masked

OPENING_S, GREETING_S = 20.0, 15.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
PACES = {3001: (0.0, 3.0), 3002: (5.0, 10.0), 3003: (2.0, 5.0)}
"""The least wait and the least spread, as in ``clientjs/src/wire/closecodes.js``."""
LENGTH = re.compile(rb"\r\ncontent-length: ([0-9]+)", re.IGNORECASE)
NAMED_WAIT = re.compile(r" in (\d+) s$")
LOST = 1006


@dataclass
class Result:
    """What happened to the crowd.

    Args:
        back: how many are welcomed.
        seconds: until the last one was.
        ends: how often an attempt ended, by cause: a close code; ``HTTP 503``, an answer other
            than 101; ``opening gave up`` and ``greeting gave up``, a time-out of the client; and
            ``opening``, ``greeting`` or ``welcomed`` with the error of a lost socket, such as
            ``opening ECONNRESET``, or ``EOF``. A browser sees 1006 for all but close codes.
        attempts: of all clients together.
        longest: attempts of the client that needed the most.
    """

    back: int = 0
    seconds: float = 0.0
    attempts: int = 0
    longest: int = 0
    ends: Counter[str] = field(default_factory=Counter)


class Crowd:
    """The clients, and what they have in common."""

    def __init__(self, port: int, tokens: list[str], transport: str) -> None:
        self.port = port
        self.transport = transport
        self.loop = asyncio.get_running_loop()
        self.result = Result()
        self.began_at = monotonic()
        self.all_back = asyncio.Event()
        self.clients = [Client(self, token) for token in tokens]

    def welcomed(self) -> None:
        """Count a client."""
        self.result.back += 1
        self.result.seconds = monotonic() - self.began_at
        if self.result.back == len(self.clients):
            self.all_back.set()

    def leave(self) -> None:
        """Let all clients disconnect, and come back no more."""
        for client in self.clients:
            client.leave()


class Client:
    """One client, through all its attempts."""

    def __init__(self, crowd: Crowd, token: str) -> None:
        self.crowd = crowd
        self.token = token
        self.attempts = 0
        self.is_welcomed = False
        self._attempt: Attempt | None = None
        self._way = WebSocketAttempt if crowd.transport == "websocket" else HttpAttempt
        self._deadline: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin an attempt."""
        self.attempts += 1
        self.crowd.result.attempts += 1
        self.crowd.result.longest = max(self.crowd.result.longest, self.attempts)
        self._attempt = self._way(self)
        self.allow(OPENING_S)
        self._attempt.begin()

    def dial(self, attempt: "Attempt", protocol: asyncio.Protocol) -> None:
        """Connect for an attempt."""
        self._dialing = self.crowd.loop.create_task(self._dial(attempt, protocol))

    async def _dial(self, attempt: "Attempt", protocol: asyncio.Protocol) -> None:
        try:
            await self.crowd.loop.create_connection(lambda: protocol, "127.0.0.1", self.crowd.port)
        except OSError as error:
            self.ended(attempt, f"connecting {name_of(error)}")

    def leave(self) -> None:
        """Disconnect, and come back no more."""
        attempt, self._attempt = self._attempt, None
        if self.is_welcomed:
            self.is_welcomed = False
            self.crowd.result.back -= 1
        if attempt is not None:
            attempt.abort()

    def allow(self, seconds: float) -> None:
        """Give the attempt up after so many seconds."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.crowd.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        attempt = self._attempt
        if attempt is not None:
            self.ended(attempt, f"{self.phase} gave up")
            attempt.abort()

    def welcome(self, attempt: "Attempt") -> None:
        """Stay, unless the attempt was given up before."""
        if attempt is not self._attempt:
            return
        self.is_welcomed = True
        if self._deadline is not None:
            self._deadline.cancel()
        self.crowd.welcomed()

    @property
    def phase(self) -> str:
        """How far the attempt is."""
        if self.is_welcomed:
            return "welcomed"
        return "greeting" if self._attempt and self._attempt.is_open else "opening"

    def ended(self, attempt: "Attempt", cause: str, code: int = LOST, reason: str = "") -> None:
        """Wait for the next attempt."""
        if attempt is not self._attempt:
            return
        self._attempt = None
        if self._deadline is not None:
            self._deadline.cancel()
        self.crowd.result.ends[cause] += 1
        if self.is_welcomed:
            self.is_welcomed = False
            self.crowd.result.back -= 1
        self.crowd.loop.call_later(self._wait_s(code, reason), self.start)

    def _wait_s(self, code: int, reason: str) -> float:
        named = NAMED_WAIT.search(reason)
        if named:
            return int(named[1]) * (1 + random() / 4)
        floor_s, spread_s = PACES.get(code, (0.0, 0.0))
        widest_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self.attempts - 1, 9))
        return floor_s + random() * max(widest_s, spread_s)


def name_of(error: Exception | None) -> str:
    """Name the end of a socket."""
    if error is None:
        return "EOF"
    number = getattr(error, "errno", None)
    return errno.errorcode.get(number, type(error).__name__) if number else type(error).__name__


class Attempt(ABC):
    """One attempt of a client, on one transport.

    ``is_open``: the transport is, and ``connect`` has been sent.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.is_open = False

    @abstractmethod
    def begin(self) -> None:
        """Connect."""

    @abstractmethod
    def abort(self) -> None:
        """Close without a word."""

    def opened(self) -> None:
        """Allow some time for the answer to ``connect``."""
        self.is_open = True
        self.client.allow(GREETING_S)

    def ended(self, cause: str, code: int = LOST, reason: str = "") -> None:
        """Close, and let the client come again."""
        self.client.ended(self, cause, code, reason)
        self.abort()


class WebSocketAttempt(Attempt, asyncio.Protocol):
    """A raw WebSocket."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._buffer = b""
        self._transport: Any = None

    def begin(self) -> None:
        self.client.dial(self, self)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(
            b"GET /realtime/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )

    def connection_lost(self, error: Exception | None) -> None:
        self.client.ended(self, f"{self.client.phase} {name_of(error)}")

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.is_open:
            head, end, self._buffer = self._buffer.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if b" 101 " not in head:
                self.ended(f"HTTP {head.split(b' ', 2)[1].decode()}")
                return
            self.opened()
            frame = b'{"type":"connect","token":"%b"}' % self.client.token.encode()
            self._transport.write(masked(Op.TEXT, frame))
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
        if opcode == Op.TEXT and b'"type":"connected"' in payload:
            self.client.welcome(self)
        elif opcode == Op.PING:
            self._transport.write(masked(Op.PONG, payload))
        elif opcode == Op.CLOSE:
            code = int.from_bytes(payload[:2])
            self.client.ended(self, str(code), code, payload[2:].decode())
            self._transport.close()


class HttpAttempt(Attempt):
    """A SockJS session over HTTP."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        tab = TABS[client.crowd.transport]
        assert issubclass(tab, HttpTab)
        self.tab = tab
        self._session, self._secret = token_hex(8), token_hex(16)
        self._receivers = 0
        self._requests: set[HttpRequest] = set()

    def begin(self) -> None:
        self.ask("GET", "/info", "", self._receive)

    def abort(self) -> None:
        for request in tuple(self._requests):
            request.abort()

    def ask(self, method: str, path: str, body: str, on_end: Callable[[], object]) -> None:
        """Send one request on a connection of its own."""
        form = "application/x-www-form-urlencoded"
        kind = form if self.tab.sender == "jsonp_send" else "text/plain"
        head = (
            f"{method} /realtime{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
            if method == "POST"
            else f"{method} /realtime{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        )
        request = HttpRequest(self, (head + body).encode(), on_end)
        self._requests.add(request)
        self.client.dial(self, request)

    def finished(self, request: "HttpRequest", cause: str) -> None:
        """Go on after a response; without one, the attempt has failed."""
        self._requests.discard(request)
        if cause:
            self.ended(cause)
        else:
            request.on_end()

    def take(self, packet: str) -> None:
        """Take a packet of SockJS."""
        if packet == "o":
            self.opened()
            self._send()
        for frame in unpack(packet):
            if isinstance(frame, Close):
                self.ended(str(frame.code), frame.code, frame.reason)
            elif frame["type"] == "connected":
                self.client.welcome(self)

    def _receive(self) -> None:
        path = f"/000/{self._session}/{self.tab.transport}{self.tab.query}"
        if self.tab.method == "GET":
            path += f"{'&' if '?' in path else '?'}ticket={ticket(self._secret, self._receivers)}"
        self._receivers += 1
        body = self._secret if self.tab.method == "POST" else ""
        self.ask(self.tab.method, path, body, self._receive)

    def _send(self) -> None:
        frame = {"type": "connect", "token": self.client.token, "secret": self._secret}
        body = json.dumps([json.dumps(frame)])
        if self.tab.sender == "jsonp_send":
            body = urlencode({"d": body})
        self.ask("POST", f"/000/{self._session}/{self.tab.sender}", body, int)


class HttpRequest(asyncio.Protocol):
    """One request and its response, whose chunks are read as lines."""

    def __init__(self, attempt: HttpAttempt, request: bytes, on_end: Callable[[], object]) -> None:
        self.on_end = on_end
        self._attempt: HttpAttempt | None = attempt
        self._request = request
        self._buffer = b""
        self._has_head = False
        self._left: int | None = None
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        if self._attempt is not None:
            self._end(f"{self._attempt.client.phase} {name_of(error)}")

    def abort(self) -> None:
        """Close without a word."""
        self._attempt = None
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._has_head:
            head, end, body = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            status = head.split(b" ", 2)[1].decode()
            if status not in ("200", "204"):
                self._end(f"HTTP {status}")
                return
            self._has_head, self._buffer = True, body
            length = LENGTH.search(head)
            if status == "204" or length:
                self._left = int(length[1]) if length else 0
        self._read_body()

    def _read_body(self) -> None:
        if self._left is not None:
            if len(self._buffer) < self._left:
                return
            self._buffer += b"\n0\n"
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            text = line.decode().rstrip("\r")
            if text == "0":
                self._end("")
            elif self._attempt and (found := self._attempt.tab.packet.fullmatch(text)):
                self._attempt.take(packet_of(found))

    def _end(self, cause: str) -> None:
        attempt = self._attempt
        if attempt is not None:
            self.abort()
            attempt.finished(self, cause)


async def return_at_once(port: int, tokens: list[str], patience_s: float, transport: str) -> Result:
    """Let all come at once, and wait until all are welcomed."""
    crowd = Crowd(port, tokens, transport)
    for client in crowd.clients:
        client.start()
    try:
        async with asyncio.timeout(patience_s):
            await crowd.all_back.wait()
    except TimeoutError:
        pass
    # The end of the loop closes connections, which is no end of an attempt.
    return replace(crowd.result, ends=crowd.result.ends.copy())


def main() -> None:
    """Read the options from standard input, and write the result."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    result = asyncio.run(return_at_once(**json.load(sys.stdin)))
    print(json.dumps(vars(result)), flush=True)
    os._exit(0)  # Ten thousand sockets need no farewell.


if __name__ == "__main__":
    main()
