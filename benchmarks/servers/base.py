"""The interface of a measured server: its start, and the frames of the generator."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..process import Process
from ..redisserver import Redis

WEBSOCKET_REQUEST = (
    r"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    r"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
)


OFFER_DEFLATE = r"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


def websocket_request(path: str, more: str = "") -> str:
    """Write a handshake; ``more`` holds whole header lines."""
    return WEBSOCKET_REQUEST.format(path=path, more=more)


def http_post(path: str, body: str = "", length: str = "0") -> str:
    """Write a request of SockJS over HTTP."""
    head = rf"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
    return rf"{head}Content-Length: {length}\r\n\r\n{body}"


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The opening of one connection, in the patterns of wsload.

    Args:
        hello: the request.
        ready: the text that answers it.
        steps: frames to send after that, each with the text that answers it.
        send: over HTTP, the request that carries a frame.
        heartbeat: the server's question and the client's answer, where text frames do that.
    """

    hello: str
    ready: str
    steps: tuple[tuple[str, str], ...] = ()
    send: str = ""
    heartbeat: tuple[str, str] | None = None

    def options(self) -> list[str]:
        """Return the options of wsload."""
        options = ["--hello", self.hello, "--ready", self.ready]
        for frame, reply in self.steps:
            options += ["--then", frame, "--ready2", reply]
        if self.send:
            options += ["--http", "--send", self.send]
        if self.heartbeat:
            options += ["--heartbeat", *self.heartbeat]
        return options


@dataclass(frozen=True, slots=True)
class Address:
    """The channel and the format of a publication, in the patterns of wsload.

    Args:
        channel: of Redis, or the query of ``path``.
        template: the message, with ``%s`` for the marker.
        path: of the server's own HTTP interface, where it has no Redis.
        words: another command of Redis, in place of ``PUBLISH``.
    """

    channel: str
    template: str
    path: str = ""
    words: tuple[str, ...] = ()


class Server:
    """One server in its best documented configuration.

    ``name`` is what the tables call it, ``versions`` what was pinned; ``can_compress``: it has
    permessage-deflate, and the generator can count its frames in place of markers.
    """

    name: ClassVar[str]
    versions: ClassVar[str]
    needs_tokens: ClassVar[bool] = False
    can_compress: ClassVar[bool] = False

    def prepare(self) -> None:
        """Build or install it.

        Raises:
            CannotBuild: it is not to be had here.
        """

    def process(self, port: int, redis: Redis, core: int, *, compression: bool = False) -> Process:
        """Make its process, not yet started."""
        raise NotImplementedError

    def dialogue(self, transport: str) -> Dialogue | None:
        """Return the dialogue of a transport, or None where the server has none."""
        raise NotImplementedError

    def to_all(self, body: int) -> Address:
        """Return the address of a message to everyone.

        Args:
            body: bytes of marker and filling.
        """
        raise NotImplementedError

    def to_one(self, body: int) -> Address:
        """Return the address of a message to one user."""
        raise NotImplementedError

    def in_sequence(self, redis: Redis, *, to_one: bool) -> Address | None:
        """Return the address of a sequenced publication; None: the server has no history."""
        return None

    def miss_something(self, redis: Redis) -> Dialogue | None:
        """Publish messages that absent clients miss.

        Returns:
            How one comes back and is given it; None where the server has no recovery.
        """
        return None


@dataclass(frozen=True, slots=True)
class Running:
    """A running server."""

    server: Server
    process: Process
    port: int
    redis: Redis
    tokens: Path | None
