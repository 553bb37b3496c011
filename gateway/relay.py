"""Workers that share a port pass on what belongs to another of them.

Strategy: over HTTP one browser sends many requests, and the kernel gives each TCP connection to
any worker. Which worker a SockJS session lives in follows from its id alone, so every worker can
tell without asking, and no balancer has to. A request that is another worker's is passed on over
a Unix socket: its head once, then bytes both ways. A WebSocket is one connection and stays where
it arrived.

The owner believes what the relaying worker says of the client, so no more than the one request
whose head was written here may travel over a relayed connection: it is closed after the answer.
"""

import asyncio
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, HTTPServerConnectionDelegate, RequestStartLine
from tornado.iostream import IOStream, StreamClosedError

from .background import Background
from .detour import Detour, peer_of
from .proxies import Client, ProxyPolicy

UNIX_PEER = "0.0.0.0"
"""What Tornado calls the peer on a Unix socket."""

_CHUNK_BYTES = 64 * 1024
_NOT_PASSED_ON = frozenset({"connection", "x-forwarded-for", "x-forwarded-proto", "x-real-ip"})
_AWAY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Siblings:
    """The workers of one node.

    Args:
        number: this worker's, from 0.
        count: how many share the port.
        directory: where their Unix sockets are.
    """

    number: int
    count: int
    directory: Path

    def owner_of(self, session_id: str) -> int:
        """Tell which worker a SockJS session lives in."""
        return crc32(session_id.encode()) % self.count

    def socket_of(self, number: int) -> Path:
        """Give the path of a worker's Unix socket."""
        return self.directory / f"{number}.sock"


class Relay(Detour):
    """Serve what is ours; pass on what is a sibling's.

    Args:
        inner: serves what is ours.
        siblings: who else there is.
        prefix: the path of SockJS.
        proxies: whose forwarded headers are believed.
    """

    def __init__(
        self,
        inner: HTTPServerConnectionDelegate,
        siblings: Siblings,
        prefix: str,
        proxies: ProxyPolicy,
    ) -> None:
        super().__init__(inner)
        self._siblings = siblings
        self._proxies = proxies
        self._session_path = re.compile(re.escape(prefix) + r"/[^/.]+/([^/.]+)/(?!websocket)\w+")
        self._background = Background()

    def takes(
        self, connection: HTTP1Connection, start_line: RequestStartLine, headers: HTTPHeaders
    ) -> bool:
        """Pass on what is a sibling's."""
        owner = self.sibling_for(start_line.path)
        if owner is None:
            return False
        self.pass_on(connection, start_line, headers, owner)
        return True

    def sibling_for(self, path: str) -> int | None:
        """Tell whose a request is; None when it is ours, or anybody's."""
        found = self._session_path.match(path)
        if found is None:
            return None
        owner = self._siblings.owner_of(found[1])
        return None if owner == self._siblings.number else owner

    def pass_on(
        self,
        connection: HTTP1Connection,
        start_line: RequestStartLine,
        headers: HTTPHeaders,
        owner: int,
    ) -> None:
        """Give a request to its owner, soon."""
        client = self._proxies.client_of(*peer_of(connection), headers)
        head = relayed_head(start_line, headers, client)
        self._background.start(self._relay(connection.detach(), head, owner))

    async def _relay(self, browser: IOStream, head: bytes, owner: int) -> None:
        sibling = IOStream(socket.socket(socket.AF_UNIX))
        try:
            await sibling.connect(str(self._siblings.socket_of(owner)))
            await sibling.write(head)
            await _splice(browser, sibling)
        except (OSError, StreamClosedError):
            with suppress(StreamClosedError):
                await browser.write(_AWAY)
        finally:
            browser.close()
            sibling.close()


def relayed_head(start_line: RequestStartLine, headers: HTTPHeaders, client: Client) -> bytes:
    """Write a request's head for its owner: as it came, but for what it says of the client."""
    kept = [(name, text) for name, text in headers.get_all() if name.lower() not in _NOT_PASSED_ON]
    added = [
        ("Connection", "close"),
        ("X-Forwarded-For", client.address),
        ("X-Forwarded-Proto", client.scheme),
    ]
    first = f"{start_line.method} {start_line.path} {start_line.version}"
    lines = [first, *(f"{name}: {text}" for name, text in kept + added)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _splice(browser: IOStream, sibling: IOStream) -> None:
    """Copy both ways until the sibling has answered, or the browser has gone."""
    copies = [
        asyncio.ensure_future(_copy(browser, sibling)),
        asyncio.ensure_future(_copy(sibling, browser)),
    ]
    _, pending = await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    for copy in pending:
        copy.cancel()
    await asyncio.gather(*copies, return_exceptions=True)


async def _copy(source: IOStream, sink: IOStream) -> None:
    with suppress(StreamClosedError):
        while True:
            await sink.write(await source.read_bytes(_CHUNK_BYTES, partial=True))
