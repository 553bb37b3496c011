"""XHR polling and what all transports share (SockJS protocol 0.3.3)."""

import json

import pytest

from tests.integration.sockjs.service import FRIEND

NOT_KEPT = "no-store, no-cache, no-transform, must-revalidate, max-age=0"
PATH = "/000/abc"


class TestSessionPaths:
    @pytest.mark.parametrize("path", ["/a/a", "/_/_", "/1/1", "/abcdefgh_i-j%20/abcdefg_i-j%20"])
    def test_any_name_is_a_session(self, serve, path):
        response = serve().browser.post(path + "/xhr")
        assert response.status == 200
        assert response.body == "o\n"

    @pytest.mark.parametrize(
        "path",
        ["//", "/a./a", "/a/a.", "/./.", "/", "///", "/a/" + "x" * 129, "/" + "x" * 129 + "/a"],
    )
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_other_path_is_not_found(self, serve, method, path):
        assert serve().browser.ask(method, path + "/xhr").status == 404

    def test_name_that_is_no_text_is_refused(self, serve):
        assert serve().browser.post("/000/%ff/xhr").status == 400

    def test_server_name_is_ignored(self, serve):
        browser = serve().browser
        browser.post("/000/same/xhr")
        assert browser.post("/000/same/xhr_send", '["a"]').status == 204
        assert browser.post("/999/same/xhr").body == 'a["a"]\n'


class TestXhr:
    def test_session_opens_sends_and_receives(self, serve):
        browser = serve().browser
        opening = browser.post(PATH + "/xhr", headers={"Origin": FRIEND})
        assert (opening.status, opening.body) == (200, "o\n")
        sending = browser.post(PATH + "/xhr_send", '["x"]', {"Origin": FRIEND})
        assert (sending.status, sending.body) == (204, "")
        poll = browser.post(PATH + "/xhr", headers={"Origin": FRIEND})
        assert (poll.status, poll.body) == (200, 'a["x"]\n')
        for response in (opening, sending, poll):
            assert response.header("Access-Control-Allow-Origin") == FRIEND
            assert response.header("Access-Control-Allow-Credentials") == "true"
            assert response.header("Cache-Control") == NOT_KEPT
            assert response.header("Expires") is None
            assert response.header("ETag") is None
        assert opening.header("Content-Type") == "application/javascript; charset=UTF-8"
        assert sending.header("Content-Type") == "text/plain; charset=UTF-8"

    def test_waiting_poll_is_answered_at_once(self, serve):
        service = serve()
        service.browser.post(PATH + "/xhr")
        poll = service.browser.begin("POST", PATH + "/xhr")
        service.until_waiting()
        service.send("now")
        assert poll.read_response().body == 'a["now"]\n'

    def test_messages_between_polls_come_together(self, serve):
        service = serve()
        service.browser.post(PATH + "/xhr")
        service.send("a", "b")
        service.send("c")
        assert service.browser.post(PATH + "/xhr").body == 'a["a","b","c"]\n'

    def test_waiting_poll_is_answered_with_a_heartbeat(self, serve):
        service = serve()
        service.browser.post(PATH + "/xhr")
        poll = service.browser.begin("POST", PATH + "/xhr")
        service.until_waiting()
        service.advance(26)
        assert poll.read_response().body == "h\n"

    def test_sending_to_an_unknown_session_is_not_found(self, serve):
        response = serve().browser.post("/000/unknown/xhr_send", '["x"]', {"Origin": FRIEND})
        assert response.status == 404
        assert response.header("Access-Control-Allow-Origin") == FRIEND

    def test_malformed_payload_is_rejected_and_the_session_continues(self, serve):
        browser = serve().browser
        browser.post(PATH + "/xhr")
        broken = browser.post(PATH + "/xhr_send", '["x')
        assert (broken.status, broken.body) == (500, "Broken JSON encoding.")
        empty = browser.post(PATH + "/xhr_send", "")
        assert (empty.status, empty.body) == (500, "Payload expected.")
        assert browser.post(PATH + "/xhr_send", '["a"]').status == 204
        assert browser.post(PATH + "/xhr").body == 'a["a"]\n'

    def test_content_type_of_a_sending_does_not_matter(self, serve):
        browser = serve().browser
        browser.post(PATH + "/xhr")
        types = ["text/plain", "T", "application/json", "application/xml", "", "text/xml"]
        types += ["application/json; charset=utf-8", "text/xml; charset=utf-8"]
        for content_type in types:
            response = browser.post(PATH + "/xhr_send", '["a"]', {"Content-Type": content_type})
            assert response.status == 204
        expected = ",".join(['"a"'] * len(types))
        assert browser.post(PATH + "/xhr").body == f"a[{expected}]\n"

    @pytest.mark.parametrize(("asked", "allowed"), [("a, b, c", "a, b, c"), ("", None)])
    def test_requested_headers_are_allowed(self, serve, asked, allowed):
        headers = {"Origin": FRIEND, "Access-Control-Request-Headers": asked}
        response = serve().browser.post(PATH + "/xhr", headers=headers)
        assert response.header("Access-Control-Allow-Headers") == allowed


class TestEncoding:
    def test_characters_that_browsers_mangle_are_escaped(self, serve):
        codes = [*range(0x200C, 0x2010), *range(0x2028, 0x2030), *range(0x2060, 0x2070)]
        codes += [*range(0xFFF0, 0x10000)]
        mangled = "".join(map(chr, codes))
        browser = serve().browser
        browser.post(PATH + "/xhr")
        browser.post(PATH + "/xhr_send", json.dumps([mangled], ensure_ascii=False))
        escaped = "".join(f"\\u{code:04x}" for code in codes)
        assert browser.post(PATH + "/xhr").body == f'a["{escaped}"]\n'

    def test_escaped_characters_are_read(self, serve):
        service = serve(max_frame=2**20)
        text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x10000)])) + "😀"
        service.browser.post(PATH + "/xhr")
        assert service.browser.post(PATH + "/xhr_send", json.dumps([text])).status == 204
        assert service.received == [text]


class TestCookie:
    @pytest.mark.parametrize(
        ("method", "transport"),
        [
            ("POST", "xhr"),
            ("POST", "xhr_streaming"),
            ("GET", "eventsource"),
            ("GET", "htmlfile?c=f"),
            ("GET", "jsonp?c=f"),
        ],
    )
    def test_cookie_is_set_on_every_transport(self, serve, method, transport):
        wire = serve(jsessionid=True).browser.begin(method, f"{PATH}/{transport}")
        assert wire.read_head().header("Set-Cookie") == "JSESSIONID=dummy; Path=/"

    def test_cookie_of_a_balancer_is_echoed(self, serve):
        headers = {"Cookie": "JSESSIONID=abcdef"}
        response = serve(jsessionid=True).browser.post(PATH + "/xhr", headers=headers)
        assert response.header("Set-Cookie") == "JSESSIONID=abcdef; Path=/"
