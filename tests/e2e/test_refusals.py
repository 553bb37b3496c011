"""Refusals, with their close code or status, on every transport."""

import json
import re
from pathlib import Path
from time import time

import pytest
from sockgate_gateway.wire.closecodes import CloseCode
from sockgate_gateway.wire.tokens import Token, TokenSigner

from tests.e2e.nodetab import TRANSPORTS as NODE_TRANSPORTS
from tests.e2e.stack import Stack
from tests.e2e.tabs import TABS, Close, HttpRefused
from tests.e2e.visitor import Visitor

pytestmark = pytest.mark.e2e

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
FORBIDDEN, MISSING, NO_ROOM = 403, 404, 503
LONG_HEADER = 431  # See tests/security/test_header_limits.py.
LONG_BODY = 413
MALFORMED_BODY = 500  # See tests/integration/sockjs/test_closing.py.
SILENT = CloseCode.CONNECT_TIMEOUT
NO_REDIS = CloseCode.UNAVAILABLE
NO_ROOM_OVER_HTTP = CloseCode.OVERLOADED
FOREIGN = "http://evil.example"


def hello(token: str) -> str:
    return json.dumps({"type": "connect", "token": token})


def garbage(stack: Stack) -> str:
    return "open, sesame"


def no_token(stack: Stack) -> str:
    return json.dumps({"type": "connect"})


def empty_token(stack: Stack) -> str:
    return hello("")


def other_first_frame(stack: Stack) -> str:
    return json.dumps({"type": "subscribe", "channel": "user:1"})


def forged_token(stack: Stack) -> str:
    token = Token(log_in(stack, "alice").sid, "1")
    return hello(TokenSigner(["not the key of this deployment, but long"]).issue(token))


def altered_token(stack: Stack) -> str:
    payload, _, signature = log_in(stack, "bob").token().partition(".")
    return hello(f"{payload}x.{signature}")


def expired_token(stack: Stack) -> str:
    long_ago = TokenSigner([stack.signing_key], clock=lambda: time() - 3700)
    return hello(long_ago.issue(Token(log_in(stack, "alice").sid, "1")))


def token_of_the_future(stack: Stack) -> str:
    tomorrow = TokenSigner([stack.signing_key], clock=lambda: time() + 3700)
    return hello(tomorrow.issue(Token(log_in(stack, "alice").sid, "1")))


def token_after_logout(stack: Stack) -> str:
    visitor = log_in(stack, "alice")
    token = visitor.token()
    visitor.log_out()
    return hello(token)


def token_of_no_session(stack: Stack) -> str:
    return hello(TokenSigner([stack.signing_key]).issue(Token("A" * 32, "1")))


def sid_of_another_user(stack: Stack) -> str:
    alice = log_in(stack, "alice")
    return hello(TokenSigner([stack.signing_key]).issue(Token(alice.sid, "2")))


def sid_of_a_user_as_visitor(stack: Stack) -> str:
    alice = log_in(stack, "alice")
    return hello(TokenSigner([stack.signing_key]).issue(Token(alice.sid, None)))


def log_in(stack: Stack, name: str) -> Visitor:
    return Visitor(stack.origin).log_in(name)


REFUSED = {
    garbage: CloseCode.PROTOCOL_ERROR,
    no_token: CloseCode.PROTOCOL_ERROR,
    other_first_frame: CloseCode.PROTOCOL_ERROR,
    empty_token: CloseCode.TOKEN_INVALID,
    forged_token: CloseCode.TOKEN_INVALID,
    altered_token: CloseCode.TOKEN_INVALID,
    expired_token: CloseCode.TOKEN_EXPIRED,
    token_of_the_future: CloseCode.TOKEN_EXPIRED,
    token_after_logout: CloseCode.SESSION_UNKNOWN,
    token_of_no_session: CloseCode.SESSION_UNKNOWN,
    sid_of_another_user: CloseCode.SESSION_UNKNOWN,
    sid_of_a_user_as_visitor: CloseCode.SESSION_UNKNOWN,
}
"""The first frame of a client, and the code with which it is refused."""


def closed(code: CloseCode) -> Close:
    return Close(code, code.reason)


@pytest.fixture(scope="module")
def first_frames(stack):
    """Make each first frame once: a login costs Django a while, and refusing uses nothing up."""
    return {make: make(stack) for make in REFUSED}


@pytest.mark.parametrize("transport", TABS)
@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_first_frame_is_refused(open_tab, first_frames, make, transport):
    tab = open_tab(transport)
    tab.send(first_frames[make])
    assert tab.read() == closed(REFUSED[make])


@pytest.mark.parametrize("transport", NODE_TRANSPORTS)
def test_sockjs_client_in_node_receives_the_close_code(open_node_tab, first_frames, transport):
    tab = open_node_tab(transport)
    tab.send(first_frames[forged_token])
    assert tab.read() == closed(CloseCode.TOKEN_INVALID)


@pytest.mark.parametrize("transport", TABS)
def test_foreign_origin_is_refused(open_tab, transport):
    with pytest.raises(HttpRefused) as refusal:
        open_tab(transport, origin=FOREIGN)
    assert refusal.value.status == FORBIDDEN


@pytest.mark.parametrize("transport", TABS)
@pytest.mark.parametrize(
    "lookalike",
    [
        lambda origin: "null",
        lambda origin: origin + ".evil.example",
        lambda origin: origin.replace("http", "https"),
        lambda origin: origin.rpartition(":")[0] + ":1",
    ],
    ids=["null", "longer host", "https", "other port"],
)
def test_origin_that_resembles_ours_is_refused(stack, open_tab, lookalike, transport):
    with pytest.raises(HttpRefused) as refusal:
        open_tab(transport, origin=lookalike(stack.origin))
    assert refusal.value.status == FORBIDDEN


@pytest.mark.parametrize("transport", TABS)
def test_program_without_origin_is_accepted(open_tab, first_frames, transport):
    tab = open_tab(transport, origin=None)
    tab.send(first_frames[no_token])
    assert tab.read() == closed(CloseCode.PROTOCOL_ERROR)


@pytest.mark.parametrize("transport", TABS)
def test_token_is_valid_on_every_transport_and_once_per_connection(open_tab, log_in, transport):
    token, tab = log_in("alice").token(), open_tab(transport)
    assert tab.show(token)["type"] == "connected"
    assert tab.show(token) == closed(CloseCode.PROTOCOL_ERROR)


@pytest.mark.parametrize("transport", TABS)
def test_logout_closes_the_connection(open_tab, log_in, transport):
    alice, other = log_in("alice"), log_in("alice")
    hers, elsewhere = open_tab(transport), open_tab(transport)
    assert hers.show(alice.token())["type"] == "connected"
    assert elsewhere.show(other.token())["type"] == "connected"
    alice.log_out()
    assert hers.read() == closed(CloseCode.SESSION_ENDED)
    elsewhere.send(json.dumps({"type": "ping", "id": 1}))
    assert elsewhere.read() == {"type": "pong", "reply_to": 1}


@pytest.fixture(scope="module")
def impatient_gateway(stack):
    with stack.another_gateway(connect_timeout="0.5") as url:
        yield url


@pytest.mark.parametrize("transport", TABS)
def test_connection_without_a_first_frame_is_closed(open_tab, impatient_gateway, transport):
    tab = open_tab(transport, url=impatient_gateway)
    assert tab.read() == closed(SILENT)


@pytest.fixture(scope="module")
def full_gateway(stack):
    with stack.another_gateway(max_connections="1") as url:
        only = TABS["rawwebsocket"](url, stack.origin)
        only.open()
        only.show(log_in(stack, "alice").token())  # A connection without a login would make room.
        yield url
        only.close()


@pytest.mark.parametrize("transport", ["websocket", "rawwebsocket"])
def test_full_worker_refuses_a_websocket(open_tab, full_gateway, transport):
    with pytest.raises(HttpRefused) as refusal:
        open_tab(transport, url=full_gateway)
    assert refusal.value.status == NO_ROOM


@pytest.mark.parametrize("transport", [name for name in TABS if "socket" not in name])
def test_full_worker_refuses_an_http_transport(open_tab, full_gateway, transport):
    assert open_tab(transport, url=full_gateway).read() == closed(NO_ROOM_OVER_HTTP)


@pytest.mark.parametrize("transport", TABS)
def test_disabled_transport_is_not_found(stack, open_tab, transport):
    others = ",".join(name for name in TABS if name != transport)
    with stack.another_gateway(transports=others) as url:
        with pytest.raises(HttpRefused) as refusal:
            open_tab(transport, url=url)
        assert refusal.value.status == MISSING


@pytest.fixture
def cut_off_tabs(stack, log_in, open_tab):
    """A tab on each transport and a good token, but no Redis."""
    token, tabs = log_in("alice").token(), [open_tab(transport) for transport in TABS]
    stack.valkey.terminate()
    yield token, tabs
    stack.valkey.start()


def test_connect_is_refused_while_redis_cannot_be_read(cut_off_tabs):
    token, tabs = cut_off_tabs
    answers = {tab.transport: tab.show(token) for tab in tabs}
    assert answers == dict.fromkeys(TABS, closed(NO_REDIS))


def test_protocol_page_documents_every_refusal():
    section = PAGE.read_text().partition("### Refusals")[2].partition("\n## ")[0]
    hows = [row.split("|")[2] for row in section.splitlines() if row.startswith("|")]
    answers = {int(number) for how in hows for number in re.findall(r"\b\d{3,4}\b", how)}
    codes = {*REFUSED.values(), SILENT, NO_REDIS, NO_ROOM_OVER_HTTP}
    assert answers == {FORBIDDEN, NO_ROOM, LONG_HEADER, LONG_BODY, MALFORMED_BODY, *codes}


def test_token_endpoint_refuses_anonymous_visitors(stack):
    visitor = Visitor(stack.origin)
    visitor.get("/login/")
    assert visitor.ask_for_token().status == 401


def test_token_endpoint_refuses_requests_without_csrf(stack, log_in):
    alice = log_in("alice")
    alice.delete_cookie("csrftoken")
    assert alice.ask_for_token().status == FORBIDDEN
