"""What ``SiteSession`` sends to a site, and how it reads the answers."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs

import pytest
from sockgate.client import CredentialsError, IssuedGrant, IssuedToken, SiteSession
from sockgate.client import site as site_module

from tests.ports import HOST, free_port

COOKIES = {"sessionid": "key"}


class Site(ThreadingHTTPServer):
    """Records requests, and answers as the test says."""

    def __init__(self) -> None:
        super().__init__((HOST, free_port()), _Handler)
        self.origin = f"http://{HOST}:{self.server_port}"
        self.requests: list[tuple[str, dict[str, str], dict[str, list[str]]]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: Any = {"token": "T1", "url": "/realtime", "expires_in": 60}

    def session(self, **options: Any) -> SiteSession:
        return SiteSession(self.origin, COOKIES, uses_proxy=False, **options)


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.requests.append((self.path, dict(self.headers), parse_qs(body)))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        answer = self.server.body
        self.wfile.write((answer if isinstance(answer, str) else json.dumps(answer)).encode())

    def log_message(self, *_: Any) -> None:
        """Write no log."""


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with Site() as site:
        thread = Thread(target=site.serve_forever, args=(0.01,))
        thread.start()
        yield site
        site.shutdown()
        thread.join()


@pytest.fixture
def site(running: Site) -> Site:
    running.requests, running.status, running.headers = [], 200, {}
    running.body = {"token": "T1", "url": "/realtime", "expires_in": 60}
    return running


def fetch(call: Callable[[], Any]) -> Any:
    return asyncio.run(call())


def test_token_view_is_asked_as_a_browser_does(site: Site) -> None:
    issued = fetch(site.session().fetch_token)
    assert issued == IssuedToken("T1", 60, f"{site.origin}/realtime")
    ((path, headers, _),) = site.requests
    cookies = dict(pair.split("=") for pair in headers["Cookie"].split("; "))
    assert path == "/realtime/token/"
    assert cookies["sessionid"] == "key"
    assert cookies["csrftoken"] == headers["X-Csrftoken"]
    assert len(cookies["csrftoken"]) == 32
    assert (headers["Origin"], headers["Referer"]) == (site.origin, f"{site.origin}/")


def test_url_of_another_host_is_kept(site: Site) -> None:
    site.body = {"token": "T1", "url": "https://push.example/rt"}
    assert fetch(site.session().fetch_token) == IssuedToken("T1", None, "https://push.example/rt")


def test_csrf_token_of_a_page_is_sent_without_a_cookie(site: Site) -> None:
    fetch(site.session(csrf_token="of-the-page").fetch_token)
    ((_, headers, _),) = site.requests
    assert headers["X-Csrftoken"] == "of-the-page"
    assert "csrftoken" not in headers["Cookie"]


def test_cookies_of_the_site_are_kept(site: Site) -> None:
    site.headers = {"Set-Cookie": "sessionid=moved; HttpOnly; Path=/"}
    session = site.session()
    fetch(session.fetch_token)
    fetch(session.fetch_token)
    assert "sessionid=moved" in site.requests[1][1]["Cookie"]


def test_grant_view_is_beside_the_token_view(site: Site) -> None:
    site.body = {"grant": "G1", "expires_in": 60}
    session = site.session(token_path="/live/token/")
    assert fetch(lambda: session.fetch_grant("room:7")) == IssuedGrant("G1", 60)
    ((path, _, form),) = site.requests
    assert (path, form) == ("/live/grant/", {"channel": ["room:7"]})


def test_public_channel_has_no_grant(site: Site) -> None:
    site.body = {"grant": None, "expires_in": 60}
    assert fetch(lambda: site.session().fetch_grant("open:1")).grant is None


@pytest.mark.parametrize(
    ("status", "is_final"),
    [(401, True), (403, True), (404, False), (429, False), (500, False), (503, False)],
)
def test_status_of_the_token_view_decides(site: Site, status: int, is_final: bool) -> None:
    site.status = status
    with pytest.raises(CredentialsError) as error:
        fetch(site.session().fetch_token)
    assert (error.value.status, error.value.is_final) == (status, is_final)


@pytest.mark.parametrize(
    ("status", "is_final"), [(400, True), (403, True), (408, False), (429, False), (503, False)]
)
def test_status_of_the_grant_view_decides(site: Site, status: int, is_final: bool) -> None:
    site.status = status
    with pytest.raises(CredentialsError) as error:
        fetch(lambda: site.session().fetch_grant("room:7"))
    assert error.value.is_final is is_final


def test_redirect_is_not_followed(site: Site) -> None:
    site.status, site.headers = 302, {"Location": "https://other.example/realtime/token/?next=x"}
    with pytest.raises(CredentialsError, match=r"redirects to https://other\.example/") as error:
        fetch(site.session().fetch_token)
    assert error.value.is_final
    assert len(site.requests) == 1


@pytest.mark.parametrize("body", ["", "[]", "{", {"token": ""}, {"token": 7}, "<html>"])
def test_answer_without_a_token_is_not_final(site: Site, body: Any) -> None:
    site.body = body
    with pytest.raises(CredentialsError, match="no token") as error:
        fetch(site.session().fetch_token)
    assert not error.value.is_final


def test_site_that_is_away_is_not_final() -> None:
    session = SiteSession(f"http://{HOST}:{free_port()}", COOKIES, uses_proxy=False)
    with pytest.raises(CredentialsError, match="cannot be reached") as error:
        fetch(session.fetch_token)
    assert not error.value.is_final


class Drips:
    """A server that sends one byte at a time, for ten seconds or until it is broken off."""

    def __init__(self, first: bytes) -> None:
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self.is_broken_off = Event()
        self._thread = Thread(target=self._serve, args=(first,))
        self._thread.start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self, first: bytes) -> None:
        try:
            connection, _ = self._listener.accept()
            with connection:
                connection.sendall(first)
                for _ in range(1000):
                    connection.sendall(b"x")
                    time.sleep(0.01)  # The server is slow; that is the point.
        except OSError:
            self.is_broken_off.set()


@pytest.mark.parametrize(
    ("scheme", "first"),
    [
        ("http", b"HTTP/1.1 200 OK\r\nX-Endless: "),
        ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"),
        ("https", b"\x16\x03\x03\x40\x00"),  # the head of a record of 16 KB
    ],
)
def test_request_to_a_site_that_drips_bytes_ends(
    scheme: str, first: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_module, "_TIMEOUT_S", 0.2)
    drips = Drips(first)
    session = SiteSession(f"{scheme}://{HOST}:{drips.port}", COOKIES, uses_proxy=False)
    try:
        with pytest.raises(CredentialsError, match="timed out"):
            fetch(session.fetch_token)
        assert drips.is_broken_off.wait(60)
    finally:
        drips.close()


def test_site_that_speaks_no_http_is_named() -> None:
    drips = Drips(b"SSH-2.0\r\n")
    session = SiteSession(f"http://{HOST}:{drips.port}", COOKIES, uses_proxy=False)
    with pytest.raises(CredentialsError, match="the site cannot be reached: SSH"):
        fetch(session.fetch_token)
    drips.close()


@pytest.mark.parametrize("origin", ["", "shop.example", "ftp://shop.example", "/path"])
def test_site_must_be_an_origin(origin: str) -> None:
    with pytest.raises(ValueError, match="not the origin of a site"):
        SiteSession(origin, COOKIES)


def test_credentials_are_not_shown() -> None:
    assert "secret" not in repr(IssuedToken("secret")) + repr(IssuedGrant("secret"))
