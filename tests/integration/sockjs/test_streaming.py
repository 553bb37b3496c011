"""Streams: XHR, EventSource, htmlfile (SockJS protocol 0.3.3)."""

import pytest

from tests.integration.sockjs.service import FRIEND

PATH = "/000/abc"
LIMIT = 4096


def xhr(frame: str) -> str:
    return frame + "\n"


def eventsource(frame: str) -> str:
    return f"data: {frame}\r\n\r\n"


def htmlfile(frame: str) -> str:
    escaped = frame.replace("\\", "\\\\").replace('"', '\\"')
    return f'<script>\np("{escaped}");\n</script>\r\n'


STREAMS = [
    pytest.param("POST", "xhr_streaming", xhr, id="xhr_streaming"),
    pytest.param("GET", "eventsource", eventsource, id="eventsource"),
    pytest.param("GET", "htmlfile?c=%63allback", htmlfile, id="htmlfile"),
]
CONTENT_TYPES = {
    "xhr_streaming": "application/javascript; charset=UTF-8",
    "eventsource": "text/event-stream; charset=UTF-8",
    "htmlfile": "text/html; charset=UTF-8",
}
HEAD = """<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    document.domain = document.domain;
    var c = parent.callback;
    c.start();
    function p(d) {c.message(d);};
    window.onload = function() {c.stop();};
  </script>"""


@pytest.mark.parametrize(("method", "path", "framed"), STREAMS)
class TestEveryStream:
    def test_stream_opens_and_receives(self, serve, method, path, framed):
        browser = serve().browser
        stream = browser.stream(method, f"{PATH}/{path}", {"Origin": FRIEND})
        assert stream.head.status == 200
        assert stream.head.header("Content-Type") == CONTENT_TYPES[path.partition("?")[0]]
        assert stream.head.header("Access-Control-Allow-Origin") == FRIEND
        assert stream.head.header("Cache-Control").startswith("no-store, no-cache,")
        assert stream.head.header("X-Accel-Buffering") == "no"
        assert stream.head.header("Content-Length") is None
        stream.read_chunk()
        assert stream.read_chunk() == framed("o")
        assert browser.post(PATH + "/xhr_send", '["x"]').status == 204
        assert stream.read_chunk() == framed('a["x"]')

    def test_stream_escapes_control_characters(self, serve, method, path, framed):
        browser = serve().browser
        stream = browser.stream(method, f"{PATH}/{path}")
        stream.read_chunk()
        stream.read_chunk()
        assert browser.post(PATH + "/xhr_send", r'["  \u0000\n\r "]').status == 204
        assert stream.read_chunk() == framed(r'a["  \u0000\n\r "]')

    def test_stream_ends_when_it_has_carried_enough(self, serve, method, path, framed):
        service = serve(response_limit=LIMIT)
        stream = service.browser.stream(method, f"{PATH}/{path}")
        stream.read_chunk()
        stream.read_chunk()
        message = "x" * LIMIT
        service.send(message)
        assert stream.read_chunk() == framed(f'a["{message}"]')
        assert stream.read_chunk() == ""

    def test_next_stream_carries_what_the_last_one_could_not(self, serve, method, path, framed):
        service = serve(response_limit=LIMIT)
        stream = service.browser.stream(method, f"{PATH}/{path}")
        stream.read_chunk()
        stream.read_chunk()
        service.send("x" * LIMIT)
        service.send("rest")
        after = service.browser.stream(method, f"{PATH}/{path}")
        after.read_chunk()
        assert after.read_chunk() == framed('a["rest"]')

    def test_connection_is_used_again_after_a_stream(self, serve, method, path, framed):
        service = serve(response_limit=LIMIT)
        stream = service.browser.stream(method, f"{PATH}/{path}")
        stream.read_chunk()
        stream.read_chunk()
        service.send("x" * LIMIT)
        stream.read_chunk()
        assert stream.read_chunk() == ""
        stream.ask("GET", "/echo/info")
        assert stream.read_response().status == 200

    def test_slow_reader_gets_everything_in_order(self, serve, method, path, framed):
        service = serve(response_limit=2**40, max_outbox=2**30)
        stream = service.browser.stream(method, f"{PATH}/{path}")
        stream.read_chunk()
        stream.read_chunk()
        message = "x" * 2**20
        service.send(*[message] * 8)
        service.send("a")
        service.send("b")
        assert not service.handler().active
        assert stream.read_chunk() == framed('a["' + '","'.join([message] * 8) + '"]')
        assert stream.read_chunk() == framed('a["a","b"]')

    def test_slow_reader_receives_the_close_code(self, serve, method, path, framed):
        service = serve(response_limit=2**40, max_outbox=2**20)
        stream = service.browser.stream(method, f"{PATH}/{path}")
        stream.read_chunk()
        stream.read_chunk()
        message = "x" * 2**23
        service.send(message)
        for _ in range(5):
            service.send("y" * 2**19)
        assert stream.read_chunk() == framed(f'a["{message}"]')
        assert stream.read_chunk() == framed('c[3004,"messages were not read in time"]')
        assert stream.read_chunk() == ""


class TestXhrStreaming:
    def test_prelude_is_two_kibibytes(self, serve):
        stream = serve().browser.stream("POST", PATH + "/xhr_streaming")
        assert stream.read_chunk() == "h" * 2048 + "\n"

    def test_limit_counts_what_was_sent(self, serve):
        service = serve(response_limit=LIMIT)
        stream = service.browser.stream("POST", PATH + "/xhr_streaming")
        stream.read_chunk()
        stream.read_chunk()
        for _ in range(31):
            service.send("x" * 128)
            assert stream.read_chunk() == 'a["' + "x" * 128 + '"]\n'
        assert stream.read_chunk() == ""


class TestEventSource:
    def test_prelude_is_an_empty_line(self, serve):
        stream = serve().browser.stream("GET", PATH + "/eventsource")
        assert stream.read_chunk() == "\r\n"

    def test_percent_sign_is_escaped_since_clients_decode_a_uri(self, serve):
        service = serve()
        stream = service.browser.stream("GET", PATH + "/eventsource")
        stream.read_chunk()
        stream.read_chunk()
        service.send("50% off", "%22", "%25")
        assert stream.read_chunk() == eventsource('a["50%25 off","%2522","%2525"]')


class TestHtmlFile:
    def test_prelude_is_a_page_of_a_kibibyte(self, serve):
        stream = serve().browser.stream("GET", PATH + "/htmlfile?c=%63allback")
        page = stream.read_chunk()
        assert page.strip() == HEAD
        assert len(page) > 1024
        assert stream.head.header("Content-Security-Policy").endswith(
            f"frame-ancestors 'self' {FRIEND}"
        )
