"""Static pages of the protocol (SockJS protocol 0.3.3: greeting, iframe, info)."""

import re
from base64 import b64encode
from contextlib import closing
from hashlib import sha256
from http.client import HTTPConnection

import pytest
from sockgate.checks.site_http import Answer
from sockgate_gateway.sockjs import iframe

from tests.integration.sockjs.service import FOE, FRIEND, PREFIX

IFRAME = re.compile(
    r"""
^<!DOCTYPE html>
<html>
<head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
  <script>(?P<inline>
    document.domain = document.domain;
    _sockjs_onload = function\(\){SockJS.bootstrap_iframe\(\);};
  )</script>
  <script src="(?P<url>[^"]*)"></script>
</head>
<body>
  <h2>Don't panic!</h2>
  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
</body>
</html>$
""".strip()
)
A_YEAR = re.compile(r"public, max-age=[1-9][0-9]{6}")


class TestGreeting:
    @pytest.mark.parametrize("path", ["", "/"])
    def test_greeting_page_is_served(self, serve, path):
        response = serve().browser.get(path)
        assert response.status == 200
        assert response.header("Content-Type") == "text/plain; charset=UTF-8"
        assert response.body == "Welcome to SockJS!\n"
        assert response.header("Set-Cookie") is None

    @pytest.mark.parametrize("path", ["/a", "/a.html", "//", "///", "/a/a", "/a/a/", "/a/", "x"])
    def test_other_path_is_not_found(self, serve, path):
        assert serve().browser.get(path).status == 404

    def test_no_response_names_the_server(self, serve):
        assert serve().browser.get("").header("Server") is None

    def test_foreign_page_is_refused(self, serve):
        response = serve().browser.get("", {"Origin": FOE})
        assert response.status == 403
        assert response.header("Vary") == "Origin"

    def test_foreign_origin_is_logged_once(self, serve, caplog):
        browser = serve().browser
        for _ in range(2):
            browser.get("/info", {"Origin": FOE})
        browser.get("/info", {"Referer": f"{FOE}/secret?path"})
        (line,) = [record.getMessage() for record in caplog.records if "event=" in record.msg]
        assert line.startswith(f"event=origin_refused origin={FOE!r} hint=")
        assert "SOCKGATE_ORIGINS" in line

    def test_request_outside_the_prefix_is_logged(self, serve, caplog):
        browser = serve().browser
        with closing(HTTPConnection("127.0.0.1", browser.port)) as connection:
            connection.request("GET", "/info?token=secret")
            answer = connection.getresponse()
            headers = dict(answer.headers.items())
            assert Answer(answer.status, headers, answer.read().decode()).is_of_gateway
        assert f"event=outside_prefix asked='/' expected='{PREFIX}'" in caplog.text
        assert "secret" not in caplog.text

    def test_own_page_is_served(self, serve):
        browser = serve().browser
        assert browser.get("", {"Origin": f"http://127.0.0.1:{browser.port}"}).status == 200


class TestIframe:
    @pytest.mark.parametrize(
        "path",
        [
            "/iframe.html",
            "/iframe-a.html",
            "/iframe-.html",
            "/iframe-0.1.2.html",
            "/iframe-0.1.2abc-dirty.2144.html",
            "/iframe-a.html?t=1234",
            "/iframe-0.1.2abc-dirty.2144.html?t=qweqweq123",
        ],
    )
    def test_iframe_is_served_under_each_version(self, serve, path):
        response = serve().browser.get(path)
        assert response.status == 200
        assert response.header("Content-Type") == "text/html; charset=UTF-8"
        assert A_YEAR.match(response.header("Cache-Control"))
        assert response.header("Expires")
        assert response.header("Last-Modified") is None
        assert response.header("Set-Cookie") is None
        assert IFRAME.match(response.body)["url"].startswith(PREFIX + "/sockjs.js?")

    @pytest.mark.parametrize(
        "path",
        ["/iframe.htm", "/iframe", "/IFRAME.HTML", "/iframe.HTML", "/iframe.xml", "/iframe-/.html"],
    )
    def test_misspelt_iframe_is_not_found(self, serve, path):
        assert serve().browser.get(path).status == 404

    def test_iframe_is_revalidated_by_its_etag(self, serve):
        browser = serve().browser
        etag = browser.get("/iframe.html").header("ETag")
        response = browser.get("/iframe.html", {"If-None-Match": etag})
        assert response.status == 304
        assert response.body == ""
        assert response.header("Content-Type") is None

    def test_iframe_runs_its_own_scripts_only(self, serve):
        response = serve().browser.get("/iframe.html")
        inline = IFRAME.match(response.body)["inline"]
        digest = b64encode(sha256(inline.encode()).digest()).decode()
        policy = response.header("Content-Security-Policy")
        assert f"script-src 'self' 'sha256-{digest}';" in policy

    def test_iframe_of_a_foreign_page_is_refused(self, serve):
        assert serve().browser.get("/iframe.html", {"Referer": FOE + "/"}).status == 403

    def test_script_is_served_from_the_gateway(self, serve, tmp_path, monkeypatch):
        script = tmp_path / "sockjs.js"
        script.write_text("var SockJS;")
        monkeypatch.setattr(iframe, "SCRIPT_FILE", script)
        browser = serve().browser
        url = IFRAME.match(browser.get("/iframe.html").body)["url"].removeprefix(PREFIX)
        response = browser.get(url)
        assert response.body == "var SockJS;"
        assert response.header("Content-Type") == "application/javascript; charset=UTF-8"
        assert A_YEAR.match(response.header("Cache-Control"))
        assert browser.get(url, {"If-None-Match": response.header("ETag")}).status == 304

    def test_script_that_was_not_built_is_not_found(self, serve, tmp_path, monkeypatch, caplog):
        monkeypatch.setattr(iframe, "SCRIPT_FILE", tmp_path / "sockjs.js")
        assert serve().browser.get("/sockjs.js").status == 404
        assert "event=script_missing" in caplog.text


class TestInfo:
    def test_info_lists_what_is_offered(self, serve):
        response = serve().browser.get("/info", {"Origin": FRIEND})
        assert response.status == 200
        assert response.header("Content-Type") == "application/json; charset=UTF-8"
        assert response.header("Cache-Control").startswith("no-store, no-cache,")
        assert response.header("Expires") is None
        assert response.header("Last-Modified") is None
        assert response.header("Set-Cookie") is None
        info = response.json
        assert type(info.pop("entropy")) is int
        assert info == {"websocket": True, "cookie_needed": False, "origins": ["*:*"]}

    def test_info_reports_that_websocket_is_off(self, serve):
        info = serve(transports=("xhr",)).browser.get("/info").json
        assert info["websocket"] is False

    def test_info_reports_that_the_cookie_is_needed(self, serve):
        response = serve(jsessionid=True).browser.get("/info")
        assert response.json["cookie_needed"] is True
        assert response.header("Set-Cookie") is None

    def test_info_without_an_origin_has_no_cors_headers(self, serve):
        response = serve().browser.get("/info")
        assert response.header("Access-Control-Allow-Origin") is None
        assert response.header("Access-Control-Allow-Credentials") is None


class TestPreflight:
    @pytest.mark.parametrize(
        ("path", "methods"),
        [
            ("/info", "OPTIONS, GET"),
            ("/abc/abc/xhr", "OPTIONS, POST"),
            ("/abc/abc/xhr_send", "OPTIONS, POST"),
            ("/abc/abc/xhr_streaming", "OPTIONS, POST"),
            ("/abc/abc/eventsource", "OPTIONS, GET"),
        ],
    )
    def test_preflight_of_an_allowed_page_is_kept(self, serve, path, methods):
        headers = {"Origin": FRIEND, "Access-Control-Request-Headers": "a, b, c"}
        response = serve().browser.options(path, headers)
        assert response.status == 204
        assert response.body == ""
        assert A_YEAR.match(response.header("Cache-Control"))
        assert response.header("Expires")
        assert int(response.header("Access-Control-Max-Age")) > 1000000
        assert response.header("Access-Control-Allow-Methods") == methods
        assert response.header("Access-Control-Allow-Headers") == "a, b, c"
        assert response.header("Access-Control-Allow-Origin") == FRIEND
        assert response.header("Access-Control-Allow-Credentials") == "true"
        assert response.header("Set-Cookie") is None


class TestWebSocketPaths:
    @pytest.mark.parametrize("path", ["/0/0/websocket", "/websocket"])
    def test_plain_request_is_refused(self, serve, path):
        response = serve().browser.get(path)
        assert response.status == 400
        assert response.body == 'Can "Upgrade" only to "WebSocket".'

    def test_upgrade_removed_by_a_proxy_is_refused(self, serve):
        headers = {"Upgrade": "WebSocket", "Connection": "close"}
        response = serve().browser.get("/0/0/websocket", headers)
        assert response.status == 400
        assert response.body == '"Connection" must be "Upgrade".'

    @pytest.mark.parametrize("method", ["POST", "OPTIONS", "PUT"])
    def test_other_method_is_not_allowed(self, serve, method):
        response = serve().browser.ask(method, "/0/0/websocket")
        assert response.status == 405
        assert response.header("Allow") == "GET, HEAD"
        assert response.header("Content-Type") is None
        assert response.body == ""

    def test_websocket_that_is_off_is_not_found(self, serve):
        browser = serve(transports=("xhr", "rawwebsocket")).browser
        assert browser.get("/0/0/websocket").status == 404
        assert browser.get("/websocket").status == 400
