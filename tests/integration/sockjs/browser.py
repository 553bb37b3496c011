"""A browser made of one socket: it shows HTTP as it is on the wire."""

import json
import socket
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType

PATIENCE_S = 5.0


@dataclass
class Response:
    """What came back; the names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: str = ""
    version: str = "HTTP/1.1"

    @property
    def json(self):
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return self.headers.get(name.lower())


@dataclass
class Wire(AbstractContextManager):
    """One TCP connection to the server."""

    port: int
    patience_s: float = PATIENCE_S
    source: str = "127.0.0.1"
    head: Response = field(init=False)

    def __post_init__(self) -> None:
        self._socket = socket.create_connection(
            ("127.0.0.1", self.port), self.patience_s, (self.source, 0)
        )
        self._file = self._socket.makefile("rb")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, method, path, headers=None, body=b"", version="HTTP/1.1") -> None:
        fields = {"Host": f"127.0.0.1:{self.port}"}
        if body or method == "POST":
            fields["Content-Length"] = str(len(body))
        lines = [f"{method} {path} {version}"]
        lines += [f"{name}: {value}" for name, value in {**fields, **(headers or {})}.items()]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def read_head(self) -> Response:
        start_line = self._line()
        assert start_line, "the server closed without an answer"
        version, status, *_ = start_line.split(" ")
        headers = {}
        while line := self._line():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        self.head = Response(int(status), headers, version=version)
        return self.head

    def read_response(self) -> Response:
        head = self.read_head()
        if head.header("transfer-encoding"):
            head.body = "".join(iter(self.read_chunk, ""))
        elif head.header("content-length"):
            head.body = self.read(int(head.headers["content-length"]))
        elif head.status not in (204, 304):
            head.body = self._wait(self._file.read).decode()
        return head

    def read(self, size: int) -> str:
        data = self._wait(self._file.read, size)
        assert len(data) == size, f"the server closed after {data!r}"
        return data.decode()

    def read_chunk(self) -> str:
        """Read one HTTP chunk; the last one is empty."""
        size = self._line()
        assert size, "the server closed within a chunked response"
        data = self.read(int(size, 16))
        assert self._line() == ""
        return data

    def is_closed(self) -> bool:
        """Wait for the server to close."""
        return self._wait(self._file.read, 1) == b""

    def _line(self) -> str:
        return self._wait(self._file.readline).decode("latin-1").rstrip("\r\n")

    def _wait(self, read, *arguments):
        try:
            return read(*arguments)
        except (TimeoutError, ConnectionError) as error:
            raise AssertionError(f"no answer: {error!r}") from error


class Browser:
    """A client of a SockJS service."""

    def __init__(self, port: int, prefix: str, patience_s: float = PATIENCE_S) -> None:
        self.port = port
        self.prefix = prefix
        self.patience_s = patience_s
        self._wires: list[Wire] = []

    def wire(self, **options) -> Wire:
        wire = Wire(self.port, self.patience_s, **options)
        self._wires.append(wire)
        return wire

    def close(self) -> None:
        for wire in self._wires:
            wire.close()

    def ask(self, method, path, headers=None, body=b"", source="127.0.0.1", **options) -> Response:
        """Ask on a connection of its own, and wait for the whole answer."""
        with self.wire(source=source) as wire:
            raw = body.encode() if isinstance(body, str) else body
            headers = {"Connection": "close", **(headers or {})}
            wire.ask(method, self.prefix + path, headers, raw, **options)
            return wire.read_response()

    def get(self, path, headers=None, **options) -> Response:
        return self.ask("GET", path, headers, **options)

    def post(self, path, body=b"", headers=None, **options) -> Response:
        return self.ask("POST", path, headers, body, **options)

    def options(self, path, headers=None) -> Response:
        return self.ask("OPTIONS", path, headers)

    def begin(self, method, path, headers=None, version="HTTP/1.1") -> Wire:
        """Ask, and do not wait for an answer."""
        wire = self.wire()
        wire.ask(method, self.prefix + path, headers, version=version)
        return wire

    def stream(self, method, path, headers=None) -> Wire:
        """Ask for a streaming response, and read its head."""
        wire = self.begin(method, path, headers)
        wire.read_head()
        return wire
