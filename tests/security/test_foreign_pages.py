"""Cross-site WebSocket hijacking, and what else a page elsewhere could try."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from redis import Redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.e2e.tabs import TABS, HttpRefused, Tab, unpack
from tests.security.gateways import Gateway
from tests.security.visits import Visit
from tests.security.wires import HANDSHAKE, PATIENCE_S, ask

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("transport", list(TABS))
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://127.0.0.1:1"],
)
def test_foreign_page_is_refused_on_every_transport(
    tab_of: Callable[..., Tab], transport: str, origin: str
) -> None:
    with pytest.raises(HttpRefused) as refusal:
        tab_of(transport, origin)
    assert refusal.value.status == 403


PATHS = [
    ("GET", "/000/abc/jsonp?c=f"),
    ("GET", "/000/abc/htmlfile?c=f"),
    ("GET", "/000/abc/eventsource"),
    ("POST", "/000/abc/xhr"),
    ("POST", "/000/abc/xhr_send"),
    ("POST", "/000/abc/jsonp_send"),
    ("GET", "/info"),
    ("GET", "/iframe.html"),
    ("GET", "/websocket"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site"])
def test_foreign_page_without_an_origin_is_refused(
    gateway: Gateway, method: str, path: str, site: str
) -> None:
    """A page with Referrer-Policy: no-referrer; a browser adds how far away it is."""
    more = f"Sec-Fetch-Site: {site}\r\nSec-Fetch-Dest: script\r\nConnection: close\r\n"
    head = f"{method} /realtime{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n{more}\r\n"
    assert ask(gateway, head.encode()).startswith(b"HTTP/1.1 403 ")
    shake = HANDSHAKE.format(port=gateway.port, more=more.replace("Connection: close\r\n", ""))
    assert ask(gateway, shake.encode()).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    "site", ["Sec-Fetch-Site: same-origin\r\n", "Sec-Fetch-Site: none\r\n", ""]
)
def test_own_page_and_program_without_an_origin_are_accepted(gateway: Gateway, site: str) -> None:
    head = f"GET /realtime/info HTTP/1.1\r\nHost: x\r\n{site}Connection: close\r\n\r\n"
    assert ask(gateway, head.encode()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["", "/iframe.html", "/000/popup/htmlfile?c=f"])
def test_document_is_isolated_from_its_opener(gateway: Gateway, path: str) -> None:
    head = f"HEAD /realtime{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert b"\r\nCross-Origin-Opener-Policy: same-origin\r\n" in ask(gateway, head.encode())


@pytest.mark.parametrize("transport", ["websocket", "xhr_streaming", "jsonp"])
def test_configured_page_is_accepted(
    start_gateway: Any, tab_of: Callable[..., Tab], visitor: Visit, transport: str
) -> None:
    gateway = start_gateway(origins="https://www.example.com")
    tab = tab_of(transport, "https://www.example.com", gateway)
    assert isinstance(tab.show(visitor.token()), dict)


def test_cookie_without_a_token_is_refused(gateway: Gateway, visitor: Visit) -> None:
    """A hijacked handshake carries the cookie; the gateway ignores it."""
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
def test_callback_that_is_not_a_name_is_refused(gateway: Gateway, page: str, callback: str) -> None:
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
    script = script_of(tab)
    assert b"<" not in script.removeprefix(b"<script>")
    assert script.isascii()
    packet = json.loads(script[script.index(b"(") + 1 : script.rindex(b")")])
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
