"""What a hostile program on the network, or a hostile page, may try at the gateway."""

import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from redis import Redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from gateway.wire.messages import read_client_frame
from tests.e2e.tabs import TABS, Close, HttpRefused, Tab, unpack

from .gateways import Gateway
from .visits import Visit, visit

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

PATIENCE_S = 15
WEBSOCKETS = ("websocket", "rawwebsocket")
HANDSHAKE = (
    "GET /realtime/websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Version: 13\r\n{more}\r\n"
)


@pytest.fixture
def tab_of(gateway: Gateway) -> Iterator[Callable[..., Tab]]:
    """Open a tab, of a page or of none."""
    opened: list[Tab] = []

    def open_tab(transport: str = "rawwebsocket", origin: str | None = None, at: Any = None) -> Tab:
        tab = TABS[transport]((at or gateway).url, origin)
        opened.append(tab)
        tab.open()
        return tab

    yield open_tab
    for tab in opened:
        tab.close()


def dial(gateway: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port), PATIENCE_S)


def ask(gateway: Gateway, request: bytes) -> bytes:
    """Send bytes; give everything that comes back until the gateway closes."""
    with dial(gateway) as wire:
        wire.sendall(request)
        return b"".join(iter(lambda: wire.recv(65536), b""))


def is_closed(wire: socket.socket) -> bool:
    """Wait until the gateway closes."""
    try:
        while wire.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def masked(first: int, payload: bytes = b"") -> bytes:
    """Write a short frame as a client does, under a mask that changes nothing."""
    return bytes((first, 0x80 | len(payload), 0, 0, 0, 0)) + payload


def ask_until_nothing_is_taken(wire: socket.socket) -> None:
    wire.settimeout(1)
    with suppress(TimeoutError):
        while True:
            wire.sendall(b"GET /realtime/sockjs.js HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)


def is_shut_out(wire: socket.socket) -> bool:
    """Wait, without reading, until the gateway refuses what is sent."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            wire.send(b"\r\n")
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


class TestFloods:
    """Of connections, of requests that never end, of frames."""

    def test_the_longest_waiting_makes_room(self, start_gateway: Any, visitor: Visit) -> None:
        gateway = start_gateway(max_per_address=3)
        waiting = [dial(gateway) for _ in range(6)]
        try:
            assert all(is_closed(wire) for wire in waiting[:3])
            tab = TABS["websocket"](gateway.url, None)
            tab.open()
            assert isinstance(tab.show(visitor.token()), dict)
            tab.close()
        finally:
            for wire in waiting:
                wire.close()

    def test_dripping_request_makes_room_too(self, start_gateway: Any) -> None:
        gateway = start_gateway(max_per_address=2)
        wires = [dial(gateway) for _ in range(4)]
        try:
            for wire in wires[:2]:
                wire.sendall(b"POST /realtime/000/a/xhr_send HTTP/1.1\r\nHost: x\r\n")
                wire.sendall(b"Content-Length: 1000\r\n\r\n[")
            for wire in wires[2:]:
                wire.sendall(b"GET /realtime/info HTTP/1.1\r\nHo")
            assert all(is_closed(wire) for wire in wires[:2])
        finally:
            for wire in wires:
                wire.close()

    def test_who_reads_no_answer_makes_room_too(self, start_gateway: Any) -> None:
        """Slow reading: a request is short, its answer is not."""
        gateway = start_gateway(max_per_address=2)
        wires = [dial(gateway) for _ in range(2)]
        try:
            for wire in wires:
                ask_until_nothing_is_taken(wire)
            wires += [dial(gateway) for _ in range(2)]
            assert all(is_shut_out(wire) for wire in wires[:2])
        finally:
            for wire in wires:
                wire.close()

    def test_address_may_not_open_many_without_a_token(
        self, start_gateway: Any, tab_of: Callable[..., Tab], visitor: Visit
    ) -> None:
        gateway = start_gateway(max_per_address=2)
        first, second = tab_of(at=gateway), tab_of(at=gateway)
        with pytest.raises(HttpRefused) as refusal:
            tab_of(at=gateway)
        assert refusal.value.status == 503
        assert isinstance(first.show(visitor.token()), dict)
        tab_of(at=gateway)
        assert second.transport

    @pytest.mark.parametrize("transport", [name for name in TABS if name not in WEBSOCKETS])
    def test_address_may_not_open_many_without_a_token_over_http(
        self, start_gateway: Any, tab_of: Callable[..., Tab], transport: str
    ) -> None:
        gateway = start_gateway(max_per_address=2)
        tabs = [tab_of(transport, at=gateway) for _ in range(3)]
        refusal = tabs[-1].read()
        assert isinstance(refusal, Close)
        assert refusal.code == 3002

    def test_user_may_not_open_many(
        self, start_gateway: Any, tab_of: Callable[..., Tab], visitor: Visit
    ) -> None:
        gateway = start_gateway(max_per_user=2)
        token = visitor.token()
        answers = [tab_of(at=gateway).show(token) for _ in range(3)]
        assert [isinstance(a, Close) and a.code for a in answers] == [False, False, 4503]

    @pytest.mark.parametrize("transport", ["websocket", "rawwebsocket", "xhr_streaming", "xhr"])
    def test_silent_connection_is_closed(
        self, start_gateway: Any, tab_of: Callable[..., Tab], transport: str
    ) -> None:
        gateway = start_gateway(connect_timeout=1)
        closed = tab_of(transport, at=gateway).read()
        assert isinstance(closed, Close)
        assert closed.code == 3005

    @pytest.mark.parametrize("transport", ["websocket", "rawwebsocket", "xhr_streaming"])
    def test_browser_that_says_too_much_is_closed(
        self, start_gateway: Any, tab_of: Callable[..., Tab], visitor: Visit, transport: str
    ) -> None:
        gateway = start_gateway(max_frames_per_second=2)
        tab = tab_of(transport, at=gateway)
        tab.show(visitor.token())
        for _ in range(19):  # With the connect: what may be said in ten seconds.
            tab.send('{"type":"ping"}')
        for _ in range(19):
            assert tab.read() == {"type": "pong"}
        tab.send('{"type":"ping"}')
        answer = tab.read()
        while answer == {"type": "pong"}:  # Time has passed, and with it room for a few.
            tab.send('{"type":"ping"}')
            answer = tab.read()
        assert isinstance(answer, Close)
        assert answer.code == 4504

    @pytest.mark.parametrize(
        "flood",
        [
            pytest.param(masked(0x89), id="pings"),
            pytest.param(masked(0x8A), id="pongs"),
            pytest.param(masked(0x81), id="empty messages"),
            pytest.param(masked(0x01) + masked(0x00) * 100, id="empty fragments"),
            pytest.param(masked(0x01) + masked(0x00, b"x") * 100, id="shreds"),
        ],
    )
    def test_flood_of_frames_that_say_nothing_is_closed(
        self, start_gateway: Any, flood: bytes
    ) -> None:
        gateway = start_gateway(max_frames_per_second=2)
        with dial(gateway) as wire:
            wire.sendall(HANDSHAKE.format(port=gateway.port, more="").encode())
            assert wire.recv(65536).startswith(b"HTTP/1.1 101")
            wire.sendall(flood if len(flood) > 100 else flood * 100)
            said = b"".join(iter(lambda: wire.recv(65536), b""))
        assert (4504).to_bytes(2) + b"too many" in said

    @pytest.mark.parametrize("body", [b"[]", b"", b"["])
    def test_flood_of_requests_that_say_nothing_is_closed(
        self, start_gateway: Any, tab_of: Callable[..., Tab], body: bytes
    ) -> None:
        gateway = start_gateway(max_frames_per_second=2)
        tab: Any = tab_of("xhr_streaming", at=gateway)
        head = f"POST /realtime{tab._session}xhr_send HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        with dial(gateway) as wire:
            wire.sendall(request * 50)
            answer = tab.read()
        assert isinstance(answer, Close)
        assert answer.code == 4504


class TestBombs:
    """Input that is small on the wire and large, or strange, once it is read."""

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
    def test_bomb_costs_its_connection_and_nothing_else(
        self, gateway: Gateway, tab_of: Callable[..., Tab], transport: str, text: str, code: int
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
        self, gateway: Gateway, tab_of: Callable[..., Tab], transport: str, content: bytes
    ) -> None:
        tab: Any = tab_of(transport)
        assert refusal_of(tab, b'["%b"]' % content) == (1007 if transport in WEBSOCKETS else 500)
        assert_alive(gateway)

    @pytest.mark.parametrize("transport", list(TABS))
    def test_publication_that_is_no_text_reaches_nobody(
        self, tab_of: Callable[..., Tab], redis: Redis, alice: User, transport: str
    ) -> None:
        tab = tab_of(transport)
        tab.show(visit(alice).token())
        for payload in (b'"\xff"', b'"\xed\xa0\x80"', b"\x80", rb'"\ud800"', b'"fine"'):
            redis.publish(f"rt:user:{alice.pk}", payload)
        heard = [tab.read() for _ in range(2)]
        data = [isinstance(frame, dict) and frame["data"] for frame in heard]
        assert data == [r'"\ud800"', "fine"]  # Half a pair is no JSON, but a text like any other.

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
    def test_body_is_read_as_it_is_or_refused(
        self, gateway: Gateway, tab_of: Callable[..., Tab], path: str, body: bytes
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

    def test_body_over_the_limit_is_not_read(self, gateway: Gateway) -> None:
        head = b"POST /realtime/000/a/xhr_send HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n"
        assert ask(gateway, head + b"\r\n").startswith(b"HTTP/1.1 400")

    def test_compression_is_off_unless_wanted(self, gateway: Gateway) -> None:
        more = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
        with dial(gateway) as wire:
            wire.sendall(HANDSHAKE.format(port=gateway.port, more=more).encode())
            assert b"permessage-deflate" not in wire.recv(65536)
            wire.sendall(b"\xc1\x80\x00\x00\x00\x00")  # A frame that says it is compressed.
            assert wire.recv(65536)[2:4] == (1002).to_bytes(2)

    def test_decompression_stops_at_the_limit(self, start_gateway: Any) -> None:
        gateway = start_gateway(compression="yes")
        url = gateway.url.replace("http", "ws") + "/websocket"
        with connect(url, proxy=None, compression="deflate") as websocket:
            websocket.send(" " * 20_000_000)  # 20 KB on the wire.
            with pytest.raises(ConnectionClosed) as closed:
                websocket.recv(PATIENCE_S)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4502

    def test_half_a_surrogate_is_no_client_frame(self) -> None:
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


def assert_alive(gateway: Gateway) -> None:
    answer = ask(gateway, b"GET /realtime/info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")


class TestForeignPages:
    """Cross-site WebSocket hijacking, and what else a page elsewhere could try."""

    @pytest.mark.parametrize("transport", list(TABS))
    @pytest.mark.parametrize(
        "origin",
        ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://127.0.0.1:1"],
    )
    def test_foreign_page_gets_nothing(
        self, tab_of: Callable[..., Tab], transport: str, origin: str
    ) -> None:
        with pytest.raises(HttpRefused) as refusal:
            tab_of(transport, origin)
        assert refusal.value.status == 403

    @pytest.mark.parametrize("transport", ["websocket", "xhr_streaming", "jsonp"])
    def test_named_page_gets_in(
        self, start_gateway: Any, tab_of: Callable[..., Tab], visitor: Visit, transport: str
    ) -> None:
        gateway = start_gateway(origins="https://www.example.com")
        tab = tab_of(transport, "https://www.example.com", gateway)
        assert isinstance(tab.show(visitor.token()), dict)

    def test_cookie_alone_opens_nothing(self, gateway: Gateway, visitor: Visit) -> None:
        """A hijacked handshake carries the cookie; nobody looks at it."""
        url = gateway.url.replace("http", "ws") + "/websocket"
        cookie = {"Cookie": f"sessionid={visitor.session_key}"}
        with connect(url, proxy=None, additional_headers=cookie) as websocket:
            websocket.send('{"type":"connect","token":""}')
            with pytest.raises(ConnectionClosed) as closed:
                websocket.recv(PATIENCE_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4400

    @pytest.mark.parametrize("page", ["jsonp", "htmlfile"])
    @pytest.mark.parametrize(
        "callback",
        [
            "alert(1)//",
            "%3Cscript%3E",
            "a%0d%0aSet-Cookie:x=1",
            "x%00",
            "a" * 65,
            "%E2%80%A8",
            "a;b",
            "a[0]",
        ],
    )
    def test_callback_is_a_name_or_nothing(
        self, gateway: Gateway, page: str, callback: str
    ) -> None:
        answer = ask(
            gateway,
            f"GET /realtime/000/abc/{page}?c={callback} HTTP/1.1\r\nHost: x\r\n"
            "Connection: close\r\n\r\n".encode(),
        )
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 500"))
        assert b"Set-Cookie" not in answer
        assert b"<script" not in answer
        assert b"nosniff" in answer

    @pytest.mark.parametrize("transport", ["htmlfile", "jsonp"])
    def test_payload_cannot_leave_its_script(
        self,
        alice: User,
        visitor: Visit,
        tab_of: Callable[..., Tab],
        redis: Redis,
        transport: str,
    ) -> None:
        poison = "</script><script>alert(1)</script>\u2028\u2029<!--\"');alert(2)//"
        tab: Any = tab_of(transport)
        tab.show(visitor.token())
        redis.publish(f"rt:user:{alice.pk}", json.dumps(poison, ensure_ascii=False))
        said = script_of(tab)
        assert b"<" not in said.removeprefix(b"<script>")
        assert said.isascii()
        packet = json.loads(said[said.index(b"(") + 1 : said.rindex(b")")])
        (frame,) = unpack(packet)
        assert isinstance(frame, dict)
        assert frame["data"] == poison


def script_of(tab: Any) -> bytes:
    """Read on to the script that holds the poison, as the browser's parser of scripts does."""
    if tab.transport == "jsonp":
        return bytes(tab.receive().read()).removeprefix(b"/**/")
    line = tab._response.readline()
    while b"alert" not in line:
        line = tab._response.readline()
    return bytes(line)


class TestForwardedHeaders:
    """Who is believed about the client's address."""

    @pytest.mark.parametrize("trusted", ["", "10.0.0.0/8"])
    def test_stranger_is_not_believed(
        self, start_gateway: Any, trusted: str, visitor: Visit
    ) -> None:
        gateway = start_gateway(trusted_proxies=trusted, max_per_address=2)
        more = "X-Forwarded-For: {n}\r\nX-Real-Ip: {n}\r\nForwarded: for={n}\r\n"
        wires = []
        try:
            for n in range(3):
                wires.append(dial(gateway))
                request = HANDSHAKE.format(port=gateway.port, more=more.format(n=f"10.0.0.{n}"))
                wires[-1].sendall(request.encode())
            heads = [wire.recv(65536)[:12] for wire in wires]
        finally:
            for wire in wires:
                wire.close()
        assert heads == [b"HTTP/1.1 101", b"HTTP/1.1 101", b"HTTP/1.1 503"]

    @pytest.mark.parametrize(
        "more",
        [
            "X-Forwarded-For: 10.0.0.{n}, 203.0.113.9\r\n",
            "X-Forwarded-For: 10.0.0.{n}\r\nX-Forwarded-For: 203.0.113.9\r\n",
            "X-Forwarded-For: 203.0.113.9\r\nForwarded: for=10.0.0.{n}\r\n",
            "X-Forwarded-For: 203.0.113.9\r\nX-Real-Ip: 10.0.0.{n}\r\n",
            "x-forwarded-for: 10.0.0.{n} , nonsense, 203.0.113.9 , 127.0.0.1\r\n",
        ],
    )
    def test_proxy_is_believed_no_further_than_what_it_wrote(
        self, start_gateway: Any, more: str
    ) -> None:
        gateway = start_gateway(trusted_proxies="127.0.0.1", max_per_address=2)
        with ExitStack() as opened:
            wires = [opened.enter_context(dial(gateway)) for _ in range(3)]
            for n, wire in enumerate(wires):
                wire.sendall(HANDSHAKE.format(port=gateway.port, more=more.format(n=n)).encode())
            heads = [wire.recv(65536)[:12] for wire in wires]
        assert sorted(heads) == [b"HTTP/1.1 101", b"HTTP/1.1 101", b"HTTP/1.1 503"]

    @pytest.mark.parametrize(
        "request_head",
        [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "Content-Length: +5\r\n",
            "X: 1\r\n Content-Length: 5\r\nContent-Length: 6\r\n",
        ],
    )
    def test_request_of_two_lengths_is_refused(self, gateway: Gateway, request_head: str) -> None:
        request = (
            f"POST /realtime/000/a/xhr_send HTTP/1.1\r\nHost: x\r\n{request_head}\r\n0\r\n\r\n"
            "GET /realtime/info HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        answer = ask(gateway, request.encode())
        assert answer.startswith(b"HTTP/1.1 400")
        assert answer.count(b"HTTP/1.1") == 1

    def test_headers_over_the_limit_are_not_read(self, gateway: Gateway) -> None:
        request = b"GET /realtime/info HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"
        assert b" 200 " not in ask(gateway, request)


def test_slow_handshake_does_not_slow_others(
    start_gateway: Any, alice: User, tab_of: Callable[..., Tab]
) -> None:
    """A hundred dripping strangers, and a login beside them."""
    gateway = start_gateway()
    strangers = [dial(gateway) for _ in range(100)]
    try:
        for byte in b"GET /realtime/websocket HTTP/1.1\r\n":
            for wire in strangers:
                wire.sendall(bytes((byte,)))
        began = time.monotonic()
        tab = tab_of("websocket", at=gateway)
        assert isinstance(tab.show(visit(alice).token()), dict)
        assert time.monotonic() - began < PATIENCE_S
    finally:
        for wire in strangers:
            wire.close()
