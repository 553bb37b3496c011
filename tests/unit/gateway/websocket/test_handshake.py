"""The opening handshake of RFC 6455 section 4.2."""

import pytest
from sockgate_gateway.http.plain_request import Request
from sockgate_gateway.http.request_head import asks_for_websocket
from sockgate_gateway.http.responses import RequestRefused
from sockgate_gateway.websocket.handshake import accept_handshake
from tornado.httputil import HTTPHeaders
from websockets.client import ClientProtocol
from websockets.uri import parse_uri


def headers(**changes: str | None) -> HTTPHeaders:
    """Return the headers of RFC 6455 section 1.3 with changes."""
    values = {
        "Host": "server.example.com",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec_WebSocket_Version": "13",
        **changes,
    }
    return HTTPHeaders({n.replace("_", "-"): v for n, v in values.items() if v is not None})


def handshake(headers: HTTPHeaders) -> Request:
    return Request("GET", "/", "HTTP/1.1", headers)


def test_example_of_the_rfc_has_the_response_of_the_rfc():
    response = accept_handshake(handshake(headers()))
    assert response.startswith(b"HTTP/1.1 101 ")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in response
    assert response.endswith(b"\r\n\r\n")


def test_response_satisfies_another_library():
    client = ClientProtocol(parse_uri("ws://server.example.com/"))
    request = client.connect()
    client.send_request(request)
    received = HTTPHeaders()
    for name, value in request.headers.raw_items():
        received.add(name, value)
    client.receive_data(accept_handshake(handshake(received)))
    assert client.handshake_exc is None
    assert client.state.name == "OPEN"


@pytest.mark.parametrize("connection", ["upgrade", "keep-alive, Upgrade", "Upgrade,close"])
def test_connection_header_may_list_more_options(connection):
    assert accept_handshake(handshake(headers(Connection=connection)))


@pytest.mark.parametrize(
    ("method", "version", "changes", "status"),
    [
        ("POST", "HTTP/1.1", {}, 405),
        ("HEAD", "HTTP/1.1", {}, 405),
        ("GET", "HTTP/1.0", {}, 400),
        ("GET", "HTTP/1.1", {"Connection": None}, 400),
        ("GET", "HTTP/1.1", {"Connection": "keep-alive"}, 400),
        ("GET", "HTTP/1.1", {"Connection": "upgraded"}, 400),
        ("GET", "HTTP/1.1", {"Sec_WebSocket_Version": None}, 426),
        ("GET", "HTTP/1.1", {"Sec_WebSocket_Version": "8"}, 426),
        ("GET", "HTTP/1.1", {"Content_Length": "5"}, 400),
        ("GET", "HTTP/1.1", {"Transfer_Encoding": "chunked"}, 400),
        ("GET", "HTTP/1.1", {"Sec_WebSocket_Key": None}, 400),
        ("GET", "HTTP/1.1", {"Sec_WebSocket_Key": "c2hvcnQ="}, 400),
        ("GET", "HTTP/1.1", {"Sec_WebSocket_Key": "not base64 at all, is it"}, 400),
        ("GET", "HTTP/1.1", {"Sec_WebSocket_Key": "é" * 24}, 400),
    ],
)
def test_invalid_handshake_is_refused(method, version, changes, status):
    with pytest.raises(RequestRefused) as refused:
        accept_handshake(Request(method, "/", version, headers(**changes)))
    assert refused.value.status == status


def test_refusal_of_another_version_names_the_supported_one():
    with pytest.raises(RequestRefused) as refused:
        accept_handshake(handshake(headers(Sec_WebSocket_Version="14")))
    response = refused.value.response()
    assert response.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in response
    assert b"\r\nUpgrade: websocket\r\n" in response
    assert b"\r\nConnection: close, Upgrade\r\n" in response


@pytest.mark.parametrize(
    ("upgrade", "asks"),
    [
        ("websocket", True),
        ("WebSocket", True),
        ("h2c, websocket", True),
        ("websocket2", False),
        ("h2c", False),
        (None, False),
    ],
)
def test_only_an_upgrade_to_websocket_is_a_handshake(upgrade, asks):
    assert asks_for_websocket(headers(Upgrade=upgrade)) is asks
