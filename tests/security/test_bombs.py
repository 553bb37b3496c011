"""Input that is small on the wire and large, or strange, once it is read."""

import gzip
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from redis import Redis
from sockgate_gateway.wire.protocol import read_client_frame
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.e2e.tabs import TABS, Close, HttpRefused, Tab
from tests.security.gateways import Gateway
from tests.security.visits import visit
from tests.security.wires import HANDSHAKE, PATIENCE_S, WEBSOCKETS, ask, assert_alive, dial

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("transport", list(TABS))
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 10_000, 4501),
        ('{"type":"connect","token":' + '{"a":' * 3_000, 4501),
        ('{"type":"connect","token":"","recover":' + "[" * 10_000 + "]" * 10_000 + "}", 4501),
        ('{"type":"connect","token":"' + "x" * 30_000 + '"}', 4400),
        ('{"type":"connect","token":"' + "x" * 40_000 + '"}', 4502),
        ('{"type":"ping","id":1e999}', 4501),
        ('{"type":"ping","id":"\\ud800"}', 4501),
        ('{"type":"ping","id":"\\udc00\\ud800"}', 4501),
        ('{"type":"ping"}', 4501),
        ('{"type":"nonsense"}', 4501),
        ("no JSON", 4501),
    ],
    ids=lambda value: str(value)[:24],
)
def test_compression_bomb_closes_only_its_connection(
    gateway: Gateway, tab_of: Callable[..., Tab], transport: str, text: str, code: int
) -> None:
    tab = tab_of(transport)
    tab.send(text)
    answer = tab.read()
    assert isinstance(answer, Close), answer
    assert answer.code == code
    assert_alive(gateway)


@pytest.mark.parametrize("transport", list(TABS))
@pytest.mark.parametrize(
    "content", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80"], ids=["byte", "surrogate", "overlong"]
)
def test_invalid_utf8_is_refused(
    gateway: Gateway, tab_of: Callable[..., Tab], transport: str, content: bytes
) -> None:
    tab: Any = tab_of(transport)
    assert refusal_of(tab, b'["%b"]' % content) == (1007 if transport in WEBSOCKETS else 500)
    assert_alive(gateway)


@pytest.mark.parametrize("transport", list(TABS))
def test_publication_of_invalid_utf8_is_not_delivered(
    tab_of: Callable[..., Tab], redis: Redis, alice: User, transport: str
) -> None:
    tab = tab_of(transport)
    tab.show(visit(alice).token())
    for payload in (b'"\xff"', b'"\xed\xa0\x80"', b"\x80", rb'"\ud800"', b'"fine"'):
        redis.publish(f"rt:user:{alice.pk}", payload)
    frames = [tab.read() for _ in range(2)]
    data = [isinstance(frame, dict) and frame["data"] for frame in frames]
    assert data == [
        "\ud800",
        "fine",
    ]  # An escaped half of a pair is text: JavaScript has such strings.


@pytest.mark.parametrize("path", ["xhr_send", "jsonp_send"])
@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b'["' + b"x" * 10_000_000 + b'"]'),
        b'["\xff\xfe"]',
        rb'["\ud800"]',
        b"[" * 200_000,
        b"[" + b"1," * 1000 + b"1]",
    ],
    ids=["gzip", "not UTF-8", "lone surrogate", "depth", "numbers"],
)
def test_body_is_read_without_decoding_or_refused(
    gateway: Gateway, tab_of: Callable[..., Tab], path: str, body: bytes
) -> None:
    tab: Any = tab_of("xhr_streaming")
    head = (
        f"POST /realtime{tab._session}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Encoding: gzip\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    answer = ask(gateway, head.encode() + body)
    assert answer.startswith((b"HTTP/1.1 500", b"HTTP/1.1 20"))
    if answer.startswith(b"HTTP/1.1 20"):
        closed = tab.read()
        assert isinstance(closed, Close)
        assert closed.code == 4501
    assert_alive(gateway)


def test_body_over_the_limit_is_not_read(gateway: Gateway) -> None:
    head = b"POST /realtime/000/a/xhr_send HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n"
    assert ask(gateway, head + b"\r\n").startswith(b"HTTP/1.1 413")


def test_compression_is_off_unless_wanted(gateway: Gateway) -> None:
    more = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    with dial(gateway) as wire:
        wire.sendall(HANDSHAKE.format(port=gateway.port, more=more).encode())
        assert b"permessage-deflate" not in wire.recv(65536)
        wire.sendall(b"\xc1\x80\x00\x00\x00\x00")  # A frame with the compression bit.
        assert wire.recv(65536)[2:4] == (1002).to_bytes(2)


def test_decompression_stops_at_the_limit(start_gateway: Any) -> None:
    gateway = start_gateway(compression="yes")
    url = gateway.url.replace("http", "ws") + "/websocket"
    with connect(url, proxy=None, compression="deflate") as websocket:
        websocket.send(" " * 20_000_000)  # 20 KB on the wire.
        with pytest.raises(ConnectionClosed) as closed:
            websocket.recv(PATIENCE_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4502


def test_half_a_surrogate_pair_is_an_invalid_client_frame() -> None:
    frame = read_client_frame('{"type":"ping","id":"\\ud83d\\ude00"}')
    assert frame.id == "\N{GRINNING FACE}"


def refusal_of(tab: Any, text: bytes) -> int:
    """Send what is to be a text; give the code or the status that comes back."""
    if tab.transport in WEBSOCKETS:
        tab._socket.send(text, text=True)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                tab._socket.recv(PATIENCE_S)
        return closed.value.rcvd.code if closed.value.rcvd else 0
    form = {"Content-Type": "application/x-www-form-urlencoded"} if tab.sender[0] == "j" else {}
    with pytest.raises(HttpRefused) as refused:
        tab.ask("POST", tab.sender, f"d={quote(text)}" if form else text, **form)
    return refused.value.status
