"""What sockjs-tornado 1.0.7 gets wrong over HTTP, and we must not.

Every test runs on our server, where it must pass, and on the plain library, where it must fail:
the day that it does not, the mend can go.
"""

import subprocess
import sys
from itertools import count
from socket import IPPROTO_TCP, TCP_NODELAY

import pytest
from sockgate_gateway.wire.closecodes import CloseCode

from tests.integration.sockjs.service import FOE, FRIEND, PREFIX, Service

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
STREAMS = {"xhr_streaming": "POST", "eventsource": "GET", "htmlfile": "GET"}
ONE_MIB = 1024 * 1024

_ids = count()


def new_path() -> str:
    return f"/000/session{next(_ids)}"


class Farewell(int):
    """A close code with a reason that needs care."""

    reason = 'said "adé"'


class TestRefusal:
    """What was refused on open must not reach the program."""

    def test_refusal_reaches_an_xhr_browser(self, serve_either):
        browser, path = serve_either("refuse").browser, new_path()
        assert browser.post(path + "/xhr").body.startswith("c[3002,")

    def test_refused_browser_cannot_send(self, serve_either):
        service, path = serve_either("refuse"), new_path()
        service.browser.post(path + "/xhr")
        assert service.browser.post(path + "/xhr_send", '["a"]').status == 404
        assert service.received == []

    def test_refusal_reaches_a_jsonp_browser(self, serve_either):
        browser, path = serve_either("refuse").browser, new_path()
        assert '"c[3002,' in browser.get(path + "/jsonp?c=f").body


class TestClosing:
    """A session closes once, after its messages, with a reason."""

    def test_close_after_send_leaves_both_to_the_polls(self, serve_either):
        service, path = serve_either("bye"), new_path()
        service.browser.post(path + "/xhr")
        poll = service.browser.begin("POST", path + "/xhr")
        service.until_waiting()
        assert service.browser.post(path + "/xhr_send", '["a"]').status == 204
        assert poll.read_response().body == 'a["bye"]\n'
        assert service.browser.post(path + "/xhr").body == 'c[3000,"going away"]\n'

    def test_close_within_close_is_one_close(self, serve_either):
        service, path = serve_either("stubborn"), new_path()
        service.browser.post(path + "/xhr")
        service.end()
        assert len(service.closed) == 1

    def test_stream_of_a_closed_session_ends_with_the_close_frame(self, serve_either):
        service, path = serve_either(), new_path()
        service.browser.post(path + "/xhr")
        service.send("last words")
        service.end()
        stream = service.browser.stream("POST", path + "/xhr_streaming")
        stream.read_chunk()
        assert stream.read_chunk() == 'a["last words"]\n'
        assert stream.read_chunk() == 'c[3000,"going away"]\n'
        assert stream.read_chunk() == ""

    def test_close_reason_is_json(self, serve_either):
        service, path = serve_either(), new_path()
        service.browser.post(path + "/xhr")
        service.end(Farewell(3000))
        assert service.browser.post(path + "/xhr").body == 'c[3000,"said \\"ad\\u00e9\\""]\n'


class TestForeignPages:
    """A session id alone gives a foreign page no access; a browser may change its address."""

    def test_foreign_page_cannot_send_to_a_known_session(self, serve_either):
        service, path = serve_either(), new_path()
        service.browser.post(path + "/xhr")
        assert service.browser.post(path + "/xhr_send", '["a"]', {"Origin": FOE}).status == 403
        assert service.received == []

    def test_foreign_page_cannot_read_from_a_known_session(self, serve_either):
        service, path = serve_either(), new_path()
        service.browser.post(path + "/xhr")
        service.send("secret")
        assert "secret" not in service.browser.post(path + "/xhr", headers={"Origin": FOE}).body

    def test_foreign_page_cannot_read_by_a_script(self, serve_either):
        browser = serve_either().browser
        response = browser.get(new_path() + "/jsonp?c=f", {"Referer": FOE + "/page"})
        assert response.status == 403

    def test_browser_may_change_its_address(self, serve_either):
        service, path = serve_either(), new_path()
        service.browser.post(path + "/xhr")
        service.send("a")
        assert service.browser.post(path + "/xhr", source="127.0.0.2").body == 'a["a"]\n'

    @pytest.mark.parametrize(
        "origin", [FOE, "null", FRIEND + ".foe.example", "http://friend.example"]
    )
    def test_foreign_origin_is_not_reflected(self, serve_either, origin):
        response = serve_either().browser.get("/info", {"Origin": origin})
        assert response.header("Access-Control-Allow-Origin") is None
        assert response.status == 403

    def test_allowed_origin_is_answered_with_vary(self, serve_either):
        response = serve_either().browser.get("/info", {"Origin": FRIEND})
        assert response.header("Access-Control-Allow-Origin") == FRIEND
        assert response.header("Vary") == "Origin"

    def test_preflight_of_a_foreign_origin_is_refused(self, serve_either):
        response = serve_either().browser.options(new_path() + "/xhr", {"Origin": FOE})
        assert response.status == 403


class TestScripts:
    """No response contains a script that another site has chosen."""

    def test_htmlfile_message_cannot_leave_its_script(self, serve_either):
        service = serve_either()
        stream = service.browser.stream("GET", new_path() + "/htmlfile?c=f")
        stream.read_chunk()
        stream.read_chunk()
        service.send("</script><script>alert(1)//\u2028")
        assert stream.read_chunk() == (
            '<script>\np("a[\\"\\u003c/script>\\u003cscript>alert(1)//\\\\u2028\\"]");\n</script>\r\n'
        )

    def test_htmlfile_calls_the_name_that_was_given(self, serve_either):
        stream = serve_either().browser.stream("GET", new_path() + "/htmlfile?c=_jp.abc")
        assert "var c = parent._jp.abc;" in stream.read_chunk()

    @pytest.mark.parametrize("transport", ["jsonp", "htmlfile"])
    @pytest.mark.parametrize("callback", ["alert(1)//", "a;b", "%20f", "%3Cscript%3E", "f" * 65])
    def test_callback_must_be_a_name(self, serve_either, transport, callback):
        wire = serve_either().browser.begin("GET", f"{new_path()}/{transport}?c={callback}")
        assert wire.read_head().status == 400

    def test_jsonp_response_does_not_begin_with_the_callback_of_the_request(self, serve_either):
        assert serve_either().browser.get(new_path() + "/jsonp?c=f").body.startswith("/**/f(")

    @pytest.mark.parametrize("path", ["/info", "/iframe.html", "/a/a/xhr_send", ""])
    def test_content_type_is_not_guessed(self, serve_either, path):
        response = serve_either().browser.get(path)
        assert response.header("X-Content-Type-Options") == "nosniff"


class TestRoutes:
    """What is not offered is not there."""

    def test_chunking_test_is_not_served(self, serve_either):
        wire = serve_either().browser.begin("POST", "/chunking_test")
        assert wire.read_head().status == 404

    def test_jsonp_off_means_no_jsonp_send(self, serve_either):
        browser, path = serve_either(transports=("xhr",)).browser, new_path()
        browser.post(path + "/xhr")
        assert browser.post(path + "/jsonp_send", b"d=%5B%22x%22%5D", FORM).status == 404

    def test_raw_websocket_can_be_switched_off(self, serve_either):
        assert serve_either(transports=("xhr",)).browser.get("/websocket").status == 404

    def test_iframe_loads_its_script_from_the_gateway(self, serve_either):
        assert f'<script src="{PREFIX}/sockjs.js' in serve_either().browser.get("/iframe.html").body

    def test_iframe_may_be_framed_by_allowed_pages_only(self, serve_either):
        policy = serve_either().browser.get("/iframe.html").header("Content-Security-Policy")
        assert policy is not None
        assert policy.endswith(f"frame-ancestors 'self' {FRIEND}")


class TestBounds:
    """Nothing grows without a limit."""

    def test_absent_polling_browser_holds_no_more_than_its_outbox(self, serve_either):
        service, path = serve_either(max_outbox=ONE_MIB), new_path()
        service.browser.post(path + "/xhr")
        for _ in range(26):
            service.send("x" * ONE_MIB)
        assert service.browser.post(path + "/xhr").body.startswith("c[3004,")

    def test_streaming_browser_that_never_reads_holds_no_more_than_its_outbox(self, serve_either):
        service, path = serve_either(max_outbox=ONE_MIB, response_limit=2**40), new_path()
        stream = service.browser.stream("POST", path + "/xhr_streaming")
        stream.read_chunk()
        stream.read_chunk()
        for _ in range(20):
            service.send("x" * (ONE_MIB // 2))
        assert service.closed == [CloseCode.SLOW_CONSUMER]

    def test_stalled_stream_expires(self, serve_either):
        service, path = serve_either(response_limit=2**40, max_outbox=2**40), new_path()
        service.browser.stream("POST", path + "/xhr_streaming").read_chunk()
        service.until_waiting()
        service.send("x" * 16 * ONE_MIB)
        for _ in range(3):
            service.advance(26)
        assert service.closed == [CloseCode.SLOW_CONSUMER]
        service.advance(10)
        assert service.sessions() == []

    def test_large_sending_is_refused(self, serve_either):
        service, path = serve_either(max_frame=1024), new_path()
        service.browser.post(path + "/xhr")
        headers = {"Content-Length": str(30 * ONE_MIB)}
        wire = service.browser.begin("POST", path + "/xhr_send", headers)
        assert wire.read_head().status == 413

    def test_long_message_closes(self, serve_either):
        service, path = serve_either(max_frame=1024), new_path()
        service.browser.post(path + "/xhr")
        service.browser.post(path + "/xhr_send", '["%s"]' % ("é" * 513))
        assert service.received == []
        assert service.closed == [CloseCode.MESSAGE_TOO_LARGE]


class TestTime:
    """Heartbeats everywhere, one timer wheel, and an expiry that goes on."""

    @pytest.mark.parametrize("transport", STREAMS)
    def test_stream_has_heartbeats(self, serve_either, transport):
        service = serve_either(heartbeat=0.1)
        path = f"{new_path()}/{transport}?c=f"
        stream = service.browser.stream(STREAMS[transport], path)
        stream.read_chunk()
        stream.read_chunk()
        service.advance(1)
        assert "h" in stream.read_chunk()

    def test_sessions_cost_the_loop_no_timers(self, serve_either):
        service = serve_either()
        paths = [new_path() for _ in range(10)]
        before = service.timers()
        for path in paths:
            service.browser.post(path + "/xhr")
            service.browser.begin("POST", path + "/xhr")
            service.until_waiting()
        assert service.timers() <= before

    def test_router_cannot_be_built_before_the_loop_runs(self, serve_either):
        assert not _can_build(serve_either())

    def test_expiry_continues_after_a_session_was_removed(self, serve_either):
        service, path, other = serve_either(), new_path(), new_path()
        service.browser.post(path + "/xhr")
        service.browser.post(other + "/xhr")
        service.remove_first_session()
        service.advance(10)
        assert service.sessions() == []


class TestIncoming:
    """An array of strings, and nothing but that."""

    @pytest.mark.parametrize("payload", ['"abc"', '{"a": 1}', "[5]", "[null]", '[["a"]]'])
    def test_other_json_is_refused_and_the_session_continues(self, serve_either, payload):
        service, path = serve_either(), new_path()
        service.browser.post(path + "/xhr")
        response = service.browser.post(path + "/xhr_send", payload)
        assert service.received == []
        assert response.status == 500
        assert service.closed == []

    def test_half_a_surrogate_pair_is_refused(self, serve_either):
        service, path = serve_either(), new_path()
        service.browser.post(path + "/xhr")
        response = service.browser.post(path + "/xhr_send", '["\\ud800"]')
        assert service.received == []
        assert response.status == 500


class TestCookie:
    """The balancer's cookie, when it is wanted, and safe."""

    def test_cookie_is_off_by_default(self, serve_either):
        response = serve_either().browser.post(new_path() + "/xhr")
        assert response.header("Set-Cookie") is None

    def test_cookie_with_a_strange_value_is_replaced(self, serve_either):
        browser = serve_either(jsessionid=True).browser
        response = browser.post(new_path() + "/xhr", headers={"Cookie": 'JSESSIONID="a b"'})
        assert response.status == 200
        assert response.header("Set-Cookie") == "JSESSIONID=dummy; Path=/"


class TestHttp:
    """The finer points of HTTP."""

    def test_stream_does_not_wait_to_fill_a_packet(self, serve_either):
        service = serve_either()
        stream = service.browser.stream("POST", new_path() + "/xhr_streaming")
        stream.read_chunk()
        stream.read_chunk()
        service.until_waiting()
        sock = service.handler().request.connection.stream.socket
        assert service.run(lambda: sock.getsockopt(IPPROTO_TCP, TCP_NODELAY))

    def test_entropy_has_32_bits(self, serve_either):
        browser = serve_either().browser
        entropies = {browser.get("/info").json["entropy"] for _ in range(3)}
        assert max(entropies) < 2**32
        assert len(entropies) == 3

    def test_expiry_is_a_date_of_http(self, serve_either):
        assert serve_either().browser.get("/iframe.html").header("Expires").endswith(" GMT")

    def test_etag_is_quoted(self, serve_either):
        etag = serve_either().browser.get("/iframe.html").header("ETag")
        assert etag[0] == etag[-1] == '"'

    def test_proxy_may_not_transform(self, serve_either):
        response = serve_either().browser.post(new_path() + "/xhr")
        assert "no-transform" in response.header("Cache-Control")

    def test_stream_of_http_1_0_ends_despite_keep_alive(self, serve_either):
        service, path = serve_either("close"), new_path()
        headers = {"Connection": "Keep-Alive"}
        wire = service.browser.begin("GET", path + "/eventsource", headers, version="HTTP/1.0")
        assert wire.read_response().body.endswith('data: c[3000,"going away"]\r\n\r\n')

    def test_jsonp_send_accepts_a_charset(self, serve_either):
        service, path = serve_either(), new_path()
        service.browser.get(path + "/jsonp?c=f")
        headers = {"Content-Type": FORM["Content-Type"] + "; charset=UTF-8"}
        assert service.browser.post(path + "/jsonp_send", b"d=%5B%22x%22%5D", headers).body == "ok"
        assert service.received == ["x"]

    def test_sending_of_invalid_utf8_is_answered(self, serve_either):
        service, path = serve_either(), new_path()
        service.browser.get(path + "/jsonp?c=f")
        response = service.browser.post(path + "/jsonp_send", b'["\xff"]')
        assert response.body == "Broken JSON encoding."

    def test_wrong_method_has_no_body(self, serve_either):
        response = serve_either().browser.get(new_path() + "/xhr")
        assert response.status == 405
        assert response.header("Allow") == "OPTIONS, POST"
        assert response.body == ""


class TestImport:
    """The library warns at import."""

    @pytest.mark.parametrize(
        "module",
        [
            "sockgate_gateway.sockjs.router",
            pytest.param("sockjs.tornado", marks=pytest.mark.xfail(strict=True)),
        ],
    )
    def test_import_gives_no_warning(self, module):
        command = [sys.executable, "-W", "error", "-c", f"import {module}"]
        assert subprocess.run(command, capture_output=True).returncode == 0


def _can_build(service: Service) -> bool:
    try:
        service.build()
    except RuntimeError:
        return False
    return True
