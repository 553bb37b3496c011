"""A plain request is read as Tornado reads it; an unusual one is not read."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sockgate_gateway.http.header_limits import MAX_HEADER_LINES
from sockgate_gateway.http.plain_request import read_plain_request
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, RequestStartLine, parse_request_start_line

PLAIN = (
    b"GET /realtime/000/abc/websocket?t=1 HTTP/1.1\r\n"
    b"Host: example.com\r\n"
    b"Upgrade: websocket\r\n"
    b"Cookie: sessionid=a; theme=dark blue\r\n"
    b"\r\n"
)


def read_as_tornado(data: bytes) -> tuple[RequestStartLine, HTTPHeaders]:
    """Read with Tornado's own parser, the only method of it that needs no connection."""
    first, headers = HTTP1Connection._parse_headers(None, data)  # type: ignore[arg-type]
    return parse_request_start_line(first), headers


def test_plain_request_is_read():
    request = read_plain_request(PLAIN)
    assert request is not None
    assert request.target == "/realtime/000/abc/websocket?t=1"
    assert (request.method, request.version) == ("GET", "HTTP/1.1")
    assert request.headers == {
        "host": "example.com",
        "upgrade": "websocket",
        "cookie": "sessionid=a; theme=dark blue",
    }


POST = PLAIN.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\nxyz")


def test_post_with_its_whole_body_is_read():
    request = read_plain_request(POST)
    assert request is not None
    assert (request.method, request.target) == ("POST", "/realtime/000/abc/websocket?t=1")
    assert request.headers["content-length"] == "3"


@pytest.mark.parametrize(
    ("found", "unusual"),
    [
        (b"xyz", b"xy"),
        (b"xyz", b"xyz0"),
        (b"Length: 3", b"Length: 03"),
        (b"Length: 3", b"Length: +3"),
        (b"Length: 3", b"Length: 3, 3"),
        (b"Content-Length: 3\r\n", b""),
        (b"Content-Length: 3\r\n", b"Content-Length: 3\r\nContent-Length: 3\r\n"),
        (b"Content-Length: 3\r\n", b"Content-Length: 3\r\nExpect: 100-continue\r\n"),
        (b"Content-Length: 3\r\n", b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
        (b"POST", b"GET"),
        (b"POST", b"PUT"),
    ],
)
def test_unusual_post_is_not_read(found: bytes, unusual: bytes):
    request = POST.replace(found, unusual, 1)
    assert request != POST
    assert read_plain_request(request) is None


def test_request_with_too_many_header_lines_is_left_to_tornado():
    def head_of(lines: int) -> bytes:
        more = b"".join(b"A-%d: b\r\n" % number for number in range(lines - 1))
        return b"GET / HTTP/1.1\r\nHost: a\r\n" + more + b"\r\n"

    assert read_plain_request(head_of(MAX_HEADER_LINES)) is not None
    assert read_plain_request(head_of(MAX_HEADER_LINES + 1)) is None


@pytest.mark.parametrize(
    ("found", "unusual"),
    [
        (b"GET", b"POST"),
        (b"GET", b"get"),
        (b"GET ", b"GET  "),
        (b" /realtime", b" http://example.com/realtime"),
        (b"?t=1", b"?t=\xc3\xa9"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"HTTP/1.1", b"HTTP/1.1 "),
        (b"Host:", b"Host :"),
        (b"Host: ", b"Host:"),
        (b"Host: ", b"Host:\t"),
        (b"Host: ", b" Host: "),
        (b"Host: ", b": "),
        (b"Host: ", b"Ho(st: "),
        (b"Host: example.com", b"Host"),
        (b"Host: example.com\r\n", b""),
        (b"example.com", b"a, b"),
        (b"example.com", b"exam/ple.com"),
        (b"example.com", b"user@example.com"),
        (b"example.com", b"example.com:port"),
        (b"Host: example.com", b"Host: "),
        (b"example.com", b"example.com "),
        (b"example.com", b" example.com"),
        (b"example.com", b"exam\x00ple.com"),
        (b"example.com", b"exam\rple.com"),
        (b"example.com", b"exam\nple.com"),
        (b"example.com", b"ex\xe4mple.com"),
        (b"example.com\r\n", b"example.com\r\n folded\r\n"),
        (b"example.com\r\n", b"example.com\n"),
        (b"Cookie: ", b"host: other.example\r\nCookie: "),
        (b"Cookie: ", b"Content-Length: 0\r\nCookie: "),
        (b"Cookie: ", b"Transfer-Encoding: chunked\r\nCookie: "),
        (b"GET /", b"\r\nGET /"),
        (b"\r\n\r\n", b"\r\n"),
        (b"\r\n\r\n", b"\r\n\r\n\r\n"),
        (b"\r\n\r\n", b"\r\n\r\nmore"),
        (b"blue\r\n\r\n", b"blue\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ],
)
def test_unusual_request_is_not_read(found: bytes, unusual: bytes):
    request = PLAIN.replace(found, unusual, 1)
    assert request != PLAIN
    assert read_plain_request(request) is None


NEARLY_PLAIN = st.lists(
    st.one_of(
        st.sampled_from(
            [b"Host", b"host", b"X", b"X-1", b"a_b", b": ", b":", b" ", b"\t", b"\r\n", b"\n"]
        ),
        st.sampled_from([b"\r\n\r\n", b"Content-Length", b"Upgrade", b"websocket", b"1", b","]),
        st.binary(max_size=3),
    ),
    max_size=12,
).map(b"".join)


@given(NEARLY_PLAIN, NEARLY_PLAIN)
@example(b"", b"Host: a")
@example(b"?a=b", b"Host: a\r\nX: b  c")
def test_request_is_read_as_tornado_reads_it(target: bytes, fields: bytes):
    data = b"GET /" + target + b" HTTP/1.1\r\n" + fields + b"\r\n\r\n"
    request = read_plain_request(data)
    if request is not None:
        start_line, headers = read_as_tornado(data)
        assert (request.method, request.target, request.version) == tuple(start_line)
        assert dict(request.headers) == {name.lower(): text for name, text in headers.get_all()}
        assert "Content-Length" not in headers
        assert "Transfer-Encoding" not in headers


NAME = st.text("abcXYZ019-", min_size=1, max_size=8)
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)


@given(st.dictionaries(NAME.map(str.lower), TEXT.map(str.strip).filter(bool), min_size=1))
def test_every_plain_request_is_read(headers: dict[str, str]):
    headers = {**headers, "host": "example.com"}
    lines = ["GET / HTTP/1.1", *(f"{name.title()}: {text}" for name, text in headers.items())]
    request = read_plain_request(("\r\n".join(lines) + "\r\n\r\n").encode())
    assert request is not None
    assert request.headers == headers
