"""No log, no key in Redis and no URL contains a credential or the text of a message."""

import json
import logging
from socket import create_connection
from typing import Any

import pytest
from django.contrib.auth.models import User
from redis import Redis
from sockgate import publish
from sockgate_gateway.wire.names import sid_of

from tests.e2e.tabs import TABS, HttpRefused
from tests.security.gateways import Gateway
from tests.security.visits import PASSWORD, Tabs, Visit, visit

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

SECRET_PAYLOAD = "the-secret-of-the-payload"
SECRET_URL = "a-token-in-a-url"


@pytest.mark.parametrize("form", ["text", "json"])
def test_gateway_logs_no_secret_and_no_message(
    start_gateway: Any, visitor: Visit, form: str
) -> None:
    """A whole life of every transport, and every kind of refusal, at the loudest level."""
    gateway: Gateway = start_gateway(log_level="debug", log_format=form)
    tabs = Tabs(gateway)
    token = visitor.token()
    opened = tabs.open_all(token)
    publish(visitor.user, "news", SECRET_PAYLOAD)
    for watched in opened:
        watched.wait_for(channel=f"user:{visitor.user.pk}")
    _provoke_refusals(gateway, token)
    _send_broken_requests(gateway, visitor.session_key, token)
    sid = sid_of(visitor.session_key)
    session_key = visitor.session_key
    visitor.client.logout()
    tabs.close()
    log = gateway.log
    assert log.count("event=connected") >= len(TABS)
    for secret in (token, token[:40], session_key, sid, SECRET_PAYLOAD, SECRET_URL):
        assert secret not in log
    if form == "json":
        assert all(json.loads(line) for line in log.splitlines())


def _provoke_refusals(gateway: Gateway, token: str) -> None:
    for text in (token, token + "x", '{"type":"connect","token":"' + token + 'x"}', SECRET_PAYLOAD):
        tab = TABS["rawwebsocket"](gateway.url, None)
        tab.open()
        tab.send(text)
        tab.read()
        tab.close()
    for transport in ("websocket", "xhr_streaming"):
        tab = TABS[transport](gateway.url + f"/{SECRET_URL}", None)
        with pytest.raises(HttpRefused):
            tab.open()
        tab.close()
    tab = TABS["jsonp"](gateway.url, f"https://elsewhere.example/{SECRET_URL}")
    with pytest.raises(HttpRefused):
        tab.open()
    tab.close()


def _send_broken_requests(gateway: Gateway, session_key: str, token: str) -> None:
    """Where a cookie is, or a token by mistake, while the rest cannot be read."""
    cookie = f"Cookie: sessionid={session_key}"
    for head in (
        f"GET /realtime/info HTTP/1.1\r\nHost: x\r\n{cookie}; broken=\x01",
        f"GET /realtime/info HTTP/1.1\r\nHost: x\r\n{cookie}\r\nno colon",
        f"GET /realtime/info?token={token} HTTP/9.9\r\nHost: x\r\n{cookie}",
        f"GET /realtime/info?token={token}\x01 HTTP/1.1\r\nHost: x\r\n{cookie}",
        f"GET /realtime/info HTTP/1.1\r\nHost: {token} {session_key}",
        f"POST /realtime/000/a/xhr_send HTTP/1.1\r\nHost: x\r\nContent-Length: {token}",
        f"POST /realtime/000/a/jsonp_send HTTP/1.1\r\nHost: x\r\n{cookie}\r\nContent-Length: 9\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\nd=%ff%00%",
        f"GET /realtime/{token}/{session_key}/xhr?{cookie} HTTP/1.1\r\nHost: x",
        f"GET /realtime/{token}/{session_key}/websocket HTTP/1.1\r\nHost: x\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Key: {token}",
    ):
        with create_connection(("127.0.0.1", gateway.port), 15) as wire:
            wire.sendall(head.encode("latin-1") + b"\r\nConnection: close\r\n\r\n")
            while wire.recv(65536):
                pass


def test_django_logs_no_secret_and_no_message(
    site: Any, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site.SESSION_ENGINE = "sockgate.sessions.db"
    visitor = visit(alice)
    token, key = visitor.token(), visitor.session_key
    publish(alice, "news", SECRET_PAYLOAD)
    site.SOCKGATE = {**site.SOCKGATE, "REDIS_URL": "unix:///nowhere/redis.sock"}
    assert visitor.client.post("/realtime/token/").status_code == 503
    visitor.client.post("/accounts/login/", {"username": "alice", "password": PASSWORD})
    log = "\n".join(_text_of_own_logger(record) for record in caplog.records)
    assert "The view token could not answer" in log
    for secret in (token, key, sid_of(key), SECRET_PAYLOAD, PASSWORD):
        assert secret not in log


def _text_of_own_logger(record: logging.LogRecord) -> str:
    is_ours = record.name.startswith(("sockgate", "gateway"))
    return logging.Formatter().format(record) if is_ours else ""


def test_redis_holds_no_key_that_makes_a_cookie(visitor: Visit, redis: Redis, tabs: Tabs) -> None:
    tabs.open(visitor.token())
    dump = b" ".join(key + (redis.dump(key) or b"") for key in redis.scan_iter())
    assert sid_of(visitor.session_key).encode() in dump
    assert visitor.session_key.encode() not in dump


def test_browser_receives_a_generic_reason(gateway: Gateway, visitor: Visit) -> None:
    """The cause is for the log: it would help a forger."""
    reasons = set()
    for token in ("", "a.b.c", visitor.token() + "x", "x" * 5000):
        tab = TABS["rawwebsocket"](gateway.url, None)
        tab.open()
        reasons.add(tab.show(token))
        tab.close()
    assert len(reasons) == 1
