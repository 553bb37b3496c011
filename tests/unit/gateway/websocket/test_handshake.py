"""The opening handshake: what RFC 6455 section 4.2 asks for, and nothing less."""

import pytest
from tornado.httputil import HTTPHeaders
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from gateway.websocket.handshake import (
    HandshakeRefused,
    accept,
    asks_for_websocket,
    refusal,
)
from gateway.websocket.request import Request


def headers(**changes: str | None) -> HTTPHeaders:
    """Give the headers of RFC 6455 section 1.3, changed."""
    given = {
        "Host": "server.example.com",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec_WebSocket_Version": "13",
        **changes,
    }
    return HTTPHeaders({n.replace("_", "-"): v for n, v in given.items() if v is not None})


def asking(headers: HTTPHeaders) -> Request:
    return Request("GET", "/", "HTTP/1.1", headers)


def test_handshake_of_the_rfc_is_answered_as_there():
    answer = accept(asking(headers()))
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_answer_satisfies_another_library():
    client = ClientProtocol(parse_uri("ws://server.example.com/"))
    request = client.connect()
    client.send_request(request)
    given = HTTPHeaders()
    for name, value in request.headers.raw_items():
        given.add(name, value)
    client.receive_data(accept(asking(given)))
    assert client.handshake_exc is None
    assert client.state.name == "OPEN"


@pytest.mark.parametrize("connection", ["upgrade", "keep-alive, Upgrade", "Upgrade,close"])
def test_connection_header_may_name_more(connection):
    assert accept(asking(headers(Connection=connection)))


@pytest.mark.parametrize(
    ("method", "version", "changes", "status"),
    [
        ("POST", "HTTP/1.1", {}, 400),
        ("GET", "HTTP/1.0", {}, 400),
        ("GET", "HTTP/1.1", {"Connection": None}, 400),
        ("GET", "HTTP/1.1", {"Connection": "keep-alive"}, 400),
        ("GET", "HTTP/1.1", {"Connection": "upgraded"}, 400),
        ("GET", "HTTP/1.1", {"Sec_WebSocket_Version": None}, 426),
        ("GET", "HTTP/1.1", {"Sec_WebSocket_Version": "8"}, 426),
        ("GET", "HTTP/1.1", {"Sec_WebSocket_Key": None}, 400),
        ("GET", "HTTP/1.1", {"Sec_WebSocket_Key": "c2hvcnQ="}, 400),
        ("GET", "HTTP/1.1", {"Sec_WebSocket_Key": "not base64 at all, is it"}, 400),
        ("GET", "HTTP/1.1", {"Sec_WebSocket_Key": "é" * 24}, 400),
    ],
)
def test_other_handshake_is_refused(method, version, changes, status):
    with pytest.raises(HandshakeRefused) as refused:
        accept(Request(method, "/", version, headers(**changes)))
    assert refused.value.status == status


def test_unknown_version_is_told_ours():
    with pytest.raises(HandshakeRefused) as refused:
        accept(asking(headers(Sec_WebSocket_Version="14")))
    answer = refusal(refused.value)
    assert answer.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in answer


def test_refusal_is_a_whole_response():
    head, _, body = refusal(HandshakeRefused(403, "origin not allowed")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"\r\nConnection: close\r\n" in head
    assert b"\r\nContent-Length: %d\r\n" % len(body) in head + b"\r\n"


@pytest.mark.parametrize(
    ("upgrade", "asks"),
    [("websocket", True), ("WebSocket", True), ("h2c", False), (None, False)],
)
def test_only_an_upgrade_asks_for_a_websocket(upgrade, asks):
    assert asks_for_websocket(headers(Upgrade=upgrade)) is asks
