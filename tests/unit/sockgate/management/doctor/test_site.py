"""Answers of servers in front of Django that are easily mistaken for Django's."""

from pathlib import Path
from typing import Any

import pytest
from sockgate.conf.defaults import debug_defaults
from sockgate.management.doctor.gateway import read_info
from sockgate.management.doctor.report import StepFailed
from sockgate.management.doctor.site import DEVELOPMENT_SITE, Origin, Site, find_site
from sockgate.management.doctor.visit import Visit

from tests.unit.sockgate.management.doctor.hostile import Answer, hostile_server, response, sending

OF_GATEWAY = (
    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=UTF-8\r\n"
    b"X-Content-Type-Options: nosniff\r\nVary: Origin\r\nContent-Length: 9\r\n\r\nNot Found"
)


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Visit:
    monkeypatch.setattr(Visit, "cookies", "sessionid=x")
    visit = Visit("")
    visit.csrf_token = "x"
    return visit


def failure(visit: Visit, answer: Answer) -> StepFailed:
    with hostile_server(answer) as url, pytest.raises(StepFailed) as failed:
        Site(url, 5.0).request_token(visit)
    return failed.value


def redirecting(location: str) -> Answer:
    def answer(connection: object) -> None:
        host, port = connection.getsockname()  # type: ignore[attr-defined]
        target = location.format(site=f"http://{host}:{port}")
        head = f"HTTP/1.1 301 Moved\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head.encode())  # type: ignore[attr-defined]

    return answer


def test_token_view_that_the_proxy_sends_to_the_gateway(visit: Visit) -> None:
    failed = failure(visit, sending(OF_GATEWAY))
    assert "The gateway answers in place of Django" in failed.cause
    assert "only the gateway's own paths" in failed.mend


def test_http_to_a_port_of_tls(visit: Visit) -> None:
    page = b"<title>400 The plain HTTP request was sent to HTTPS port</title>"
    failed = failure(visit, sending(response(page, "400 Bad Request")))
    assert "speaks TLS only" in failed.cause
    assert "https://" in failed.mend


def test_redirect_to_the_same_url_is_a_missing_proxy_header(visit: Visit) -> None:
    failed = failure(visit, redirecting("{site}/realtime/token/"))
    assert "SECURE_PROXY_SSL_HEADER" in failed.mend
    for elsewhere in ("https://www.example.com/", "http://[", "/de/realtime/token/"):
        assert "real URL with --site" in failure(visit, redirecting(elsewhere)).mend


def test_prefix_that_the_proxy_removes(visit: Visit) -> None:
    with hostile_server(*[sending(OF_GATEWAY)] * 2) as url, pytest.raises(StepFailed) as failed:
        read_info(f"{url}/live", url, 5.0)
    assert "No gateway serves this path" in failed.value.cause
    assert "without a slash at the end" in failed.value.mend


def test_session_of_another_tenant(visit: Visit, settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "TENANT": lambda: "acme"}
    failed = failure(visit, sending(response(b"{}", "401 Unauthorized")))
    assert "--site must be an address of the tenant acme" in failed.mend


@pytest.fixture
def project(settings: Any, tmp_path: Path) -> Any:
    settings.DEBUG = True
    settings.BASE_DIR = tmp_path
    settings.ALLOWED_HOSTS = ["www.example.com"]
    settings.SESSION_COOKIE_SECURE = True
    return settings


def test_site_of_the_running_runserver_is_found(project: Any) -> None:
    assert find_site(None) == (DEVELOPMENT_SITE, Origin.ASSUMED)
    debug_defaults.share_site_url("http://127.0.0.1:8080")
    assert find_site(None) == ("http://127.0.0.1:8080", Origin.RUNSERVER)
    assert find_site("http://shop.test") == ("http://shop.test", Origin.OPTION)


def test_site_in_production_is_that_of_the_settings(project: Any) -> None:
    project.DEBUG = False
    assert find_site(None) == ("https://www.example.com", Origin.SETTINGS)


REFUSAL = response(b'{"error": "login_required"}', "401 Unauthorized")
NO_GET = b"HTTP/1.1 405 Method Not Allowed\r\nallow: POST\r\nContent-Length: 0\r\n\r\n"


def test_views_that_answer_are_counted() -> None:
    with hostile_server(*map(sending, (NO_GET, NO_GET, REFUSAL, REFUSAL))) as url:
        assert Site(url, 5.0).try_views() == f"4 at {url}"


@pytest.mark.parametrize(
    "other", [OF_GATEWAY, response(b"<title>Home</title>"), response(b"", "405 No")]
)
def test_view_that_the_proxy_sends_elsewhere_fails_the_walk(other: bytes) -> None:
    with (
        hostile_server(*map(sending, (NO_GET, NO_GET, other, REFUSAL))) as url,
        pytest.raises(StepFailed) as failed,
    ):
        Site(url, 5.0).try_views()
    assert "/realtime/session/" in failed.value.cause
    assert "/realtime/token/" not in failed.value.cause
    assert ("the gateway answers" in failed.value.cause) == (other is OF_GATEWAY)
