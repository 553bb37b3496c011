"""The page's policy, and what browsers block by it."""

import pytest
from sockgate.checks.site_http import Answer
from sockgate.management.doctor.policy import check_policy
from sockgate.management.doctor.report import StepFailed
from sockgate.management.doctor.site import Site
from sockgate.management.doctor.visit import Visit

from .hostile import hostile_server, sending

SITE = "https://www.example.com"
PUSH = "https://push.example.com/realtime"


def page(policy: str, url: str = f"{SITE}/") -> Answer:
    return Answer(200, {"Content-Security-Policy": policy} if policy else {}, "", url)


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "script-src 'self'",
        "connect-src *",
        "connect-src https://push.example.com",
        "connect-src wss://push.example.com https://push.example.com",
        "connect-src 'self' push.example.com",
        "connect-src https://*.example.com:443/realtime",
        "connect-src HTTPS:; default-src 'none'",
        "default-src 'self' https://push.example.com:*",
    ],
)
def test_policy_that_allows_the_gateway_is_accepted(policy: str) -> None:
    assert check_policy(page(policy), PUSH)


@pytest.mark.parametrize(
    "policy",
    [
        "connect-src 'none'",
        "connect-src",
        "connect-src 'self'",
        "default-src 'self'; script-src *",
        "connect-src https://example.com",
        "connect-src https://push.example.com:8443",
        "connect-src https://*.push.example.com",
        "connect-src *, connect-src 'self'",
        "connect-src 'self'; connect-src *",
        "connect-src data:",
    ],
)
def test_policy_that_blocks_the_gateway_is_reported(policy: str) -> None:
    with pytest.raises(StepFailed) as failed:
        check_policy(page(policy), PUSH)
    assert "blocks the gateway" in failed.value.cause
    assert "wss://push.example.com and https://push.example.com to connect-src" in failed.value.mend


def test_self_is_host_and_port_of_the_page() -> None:
    assert check_policy(page("connect-src 'self'"), f"{SITE}/realtime")
    local = page("connect-src 'self'", "http://127.0.0.1:8000/")
    with pytest.raises(StepFailed):
        check_policy(local, "http://127.0.0.1:8001/realtime")


def test_all_policies_of_the_page_that_is_named_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Visit, "cookies", "sessionid=x")
    fields = b"content-security-policy: connect-src *\r\nContent-Security-Policy: connect-src a\r\n"
    with hostile_server(sending(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n")) as url:
        answer = Site(f"{url}/chat/", 5.0).fetch_page(Visit(""))
        assert answer.url == f"{url}/chat/"
    with pytest.raises(StepFailed):
        check_policy(answer, PUSH)
