"""Who is refused, with which close code or status, on every transport."""

import json
from time import time

import pytest

from gateway.wire.closecodes import CloseCode
from gateway.wire.tokens import Token, TokenSigner

from .nodetab import TRANSPORTS as NODE_TRANSPORTS
from .stack import Stack
from .tabs import TABS, Close, HttpRefused
from .visitor import Visitor

pytestmark = pytest.mark.e2e

FORBIDDEN = 403
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


def sid_of_a_user_as_nobody(stack: Stack) -> str:
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
    sid_of_a_user_as_nobody: CloseCode.SESSION_UNKNOWN,
}
"""What a browser says first, and the code with which it is turned away."""


@pytest.fixture(scope="module")
def first_frames(stack):
    """Make each first frame once: a login costs Django a while, and refusing uses nothing up."""
    return {make: make(stack) for make in REFUSED}


@pytest.mark.parametrize("transport", TABS)
@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_first_frame_is_refused(open_tab, first_frames, make, transport):
    tab = open_tab(transport)
    tab.send(first_frames[make])
    assert tab.read() == Close(REFUSED[make], REFUSED[make].reason)


@pytest.mark.parametrize("transport", NODE_TRANSPORTS)
def test_sockjs_client_in_node_is_told_why(open_node_tab, first_frames, transport):
    tab = open_node_tab(transport)
    tab.send(first_frames[forged_token])
    assert tab.read() == Close(CloseCode.TOKEN_INVALID, CloseCode.TOKEN_INVALID.reason)


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
def test_program_without_origin_may_ask(open_tab, first_frames, transport):
    tab = open_tab(transport, origin=None)
    tab.send(first_frames[no_token])
    assert tab.read() == Close(CloseCode.PROTOCOL_ERROR, CloseCode.PROTOCOL_ERROR.reason)


@pytest.mark.parametrize("transport", TABS)
def test_token_is_good_on_every_transport_but_once_a_connection(open_tab, log_in, transport):
    token, tab = log_in("alice").token(), open_tab(transport)
    assert tab.show(token)["type"] == "connected"
    assert tab.show(token) == Close(CloseCode.PROTOCOL_ERROR, CloseCode.PROTOCOL_ERROR.reason)


@pytest.mark.parametrize("transport", TABS)
def test_logout_closes_the_connection(open_tab, log_in, transport):
    alice, other = log_in("alice"), log_in("alice")
    hers, elsewhere = open_tab(transport), open_tab(transport)
    assert hers.show(alice.token())["type"] == "connected"
    assert elsewhere.show(other.token())["type"] == "connected"
    alice.log_out()
    assert hers.read() == Close(CloseCode.SESSION_ENDED, CloseCode.SESSION_ENDED.reason)
    elsewhere.send(json.dumps({"type": "ping", "id": 1}))
    assert elsewhere.read() == {"type": "pong", "reply_to": 1}


def test_token_endpoint_refuses_strangers(stack):
    stranger = Visitor(stack.origin)
    stranger.get("/login/")
    assert stranger.ask_for_token().status == 401


def test_token_endpoint_refuses_requests_without_csrf(stack, log_in):
    alice = log_in("alice")
    alice.forget_cookie("csrftoken")
    assert alice.ask_for_token().status == FORBIDDEN
