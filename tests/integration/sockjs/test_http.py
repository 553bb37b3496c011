"""HTTP/1.0 and HTTP/1.1 (SockJS protocol 0.3.3, Http10 and Http11)."""

import pytest

PATH = "/echo/000/abc"
KEEP_ALIVE = {"Connection": "Keep-Alive"}
CLOSE_FRAME = 'c[3000,"going away"]\n'


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_connection_is_kept_for_the_next_request(serve, version):
    wire = serve().browser.wire()
    for _ in range(2):
        wire.ask("GET", "/echo", KEEP_ALIVE, version=version)
        response = wire.read_response()
        assert response.status == 200
        assert response.header("Transfer-Encoding") is None
        assert response.header("Content-Length") == "19"
        assert response.body == "Welcome to SockJS!\n"


@pytest.mark.parametrize("headers", [KEEP_ALIVE, {}])
def test_stream_of_http_1_0_is_not_chunked_and_ends_with_the_connection(serve, headers):
    wire = serve("close").browser.wire()
    wire.ask("POST", PATH + "/xhr_streaming", headers, version="HTTP/1.0")
    head = wire.read_head()
    assert head.header("Transfer-Encoding") is None
    assert head.header("Content-Length") is None
    assert head.header("Connection") in (None, "close")
    assert wire.read(2049) == "h" * 2048 + "\n"
    assert wire.read(2) == "o\n"
    assert wire.read(len(CLOSE_FRAME)) == CLOSE_FRAME
    assert wire.is_closed()


def test_stream_of_http_1_0_is_sent_to_the_end(serve):
    service = serve(response_limit=4096, max_outbox=2**30)
    wire = service.browser.wire()
    wire.ask("POST", PATH + "/xhr_streaming", version="HTTP/1.0")
    wire.read_head()
    wire.read(2049 + 2)
    message = "x" * 2**24
    service.send(message)
    assert wire.read(2**24 + 6) == f'a["{message}"]\n'
    assert wire.is_closed()


def test_stream_of_http_1_1_is_chunked(serve):
    wire = serve("close").browser.wire()
    wire.ask("POST", PATH + "/xhr_streaming", KEEP_ALIVE)
    head = wire.read_head()
    assert head.header("Transfer-Encoding") == "chunked"
    assert head.header("Content-Length") is None
    chunks = [wire.read_chunk() for _ in range(4)]
    assert chunks == ["h" * 2048 + "\n", "o\n", CLOSE_FRAME, ""]


def test_polls_share_a_connection(serve):
    wire = serve().browser.wire()
    wire.ask("POST", PATH + "/xhr")
    assert wire.read_response().body == "o\n"
    wire.ask("POST", PATH + "/xhr_send", body=b'["a"]')
    assert wire.read_response().status == 204
    wire.ask("POST", PATH + "/xhr")
    assert wire.read_response().body == 'a["a"]\n'
