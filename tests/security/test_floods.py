"""Floods: of connections, of requests that never end, of answers unread, of frames."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.e2e.tabs import TABS, Close, HttpRefused, Tab

from .visits import Visit, visit
from .wires import (
    HANDSHAKE,
    PATIENCE_S,
    WEBSOCKETS,
    ask_until_nothing_is_taken,
    dial,
    is_closed,
    is_shut_out,
    masked,
)

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_the_longest_waiting_makes_room(start_gateway: Any, visitor: Visit) -> None:
    gateway = start_gateway(max_per_address=3)
    waiting = [dial(gateway) for _ in range(6)]
    try:
        assert all(is_closed(wire) for wire in waiting[:3])
        tab = TABS["websocket"](gateway.url, None)
        tab.open()
        assert isinstance(tab.show(visitor.token()), dict)
        tab.close()
    finally:
        for wire in waiting:
            wire.close()


def test_dripping_request_makes_room_too(start_gateway: Any) -> None:
    gateway = start_gateway(max_per_address=2)
    wires = [dial(gateway) for _ in range(4)]
    try:
        for wire in wires[:2]:
            wire.sendall(b"POST /realtime/000/a/xhr_send HTTP/1.1\r\nHost: x\r\n")
            wire.sendall(b"Content-Length: 1000\r\n\r\n[")
        for wire in wires[2:]:
            wire.sendall(b"GET /realtime/info HTTP/1.1\r\nHo")
        assert all(is_closed(wire) for wire in wires[:2])
    finally:
        for wire in wires:
            wire.close()


def test_who_reads_no_answer_makes_room_too(start_gateway: Any) -> None:
    """Slow reading: a request is short, its answer is not."""
    gateway = start_gateway(max_per_address=2)
    wires = [dial(gateway) for _ in range(2)]
    try:
        for wire in wires:
            ask_until_nothing_is_taken(wire)
        wires += [dial(gateway) for _ in range(2)]
        assert all(is_shut_out(wire) for wire in wires[:2])
    finally:
        for wire in wires:
            wire.close()


def test_address_may_not_open_many_without_a_token(
    start_gateway: Any, tab_of: Callable[..., Tab], visitor: Visit
) -> None:
    gateway = start_gateway(max_per_address=2)
    first, second = tab_of(at=gateway), tab_of(at=gateway)
    with pytest.raises(HttpRefused) as refusal:
        tab_of(at=gateway)
    assert refusal.value.status == 503
    assert isinstance(first.show(visitor.token()), dict)
    tab_of(at=gateway)
    assert second.transport


@pytest.mark.parametrize("transport", [name for name in TABS if name not in WEBSOCKETS])
def test_address_may_not_open_many_without_a_token_over_http(
    start_gateway: Any, tab_of: Callable[..., Tab], transport: str
) -> None:
    gateway = start_gateway(max_per_address=2)
    tabs = [tab_of(transport, at=gateway) for _ in range(3)]
    refusal = tabs[-1].read()
    assert isinstance(refusal, Close)
    assert refusal.code == 3002


def test_user_may_not_open_many(
    start_gateway: Any, tab_of: Callable[..., Tab], visitor: Visit
) -> None:
    gateway = start_gateway(max_per_user=2)
    token = visitor.token()
    answers = [tab_of(at=gateway).show(token) for _ in range(3)]
    assert [isinstance(a, Close) and a.code for a in answers] == [False, False, 4503]


def test_visitor_may_not_open_many(
    site: Any, start_gateway: Any, tab_of: Callable[..., Tab], alice: User
) -> None:
    """Who has not logged in is nobody, but his session is one."""
    site.SOCKGATE = {**site.SOCKGATE, "ANONYMOUS": True}
    gateway = start_gateway(max_per_user=2)
    token, other = Visit(alice, Client()).token(), Visit(alice, Client()).token()
    answers = [tab_of(at=gateway).show(shown) for shown in (token, token, token, other)]
    assert [isinstance(a, Close) and a.code for a in answers] == [False, False, 4503, False]


@pytest.mark.parametrize("transport", list(TABS))
def test_silent_connection_is_closed(
    start_gateway: Any, tab_of: Callable[..., Tab], transport: str
) -> None:
    gateway = start_gateway(connect_timeout=1)
    closed = tab_of(transport, at=gateway).read()
    assert isinstance(closed, Close)
    assert closed.code == 3005


@pytest.mark.parametrize("transport", list(TABS))
def test_browser_that_says_too_much_is_closed(
    start_gateway: Any, tab_of: Callable[..., Tab], visitor: Visit, transport: str
) -> None:
    gateway = start_gateway(max_frames_per_second=2)
    tab = tab_of(transport, at=gateway)
    tab.show(visitor.token())
    for _ in range(19):  # With the connect: what may be said in ten seconds.
        tab.send('{"type":"ping"}')
    for _ in range(19):
        assert tab.read() == {"type": "pong"}
    tab.send('{"type":"ping"}')
    answer = tab.read()
    while answer == {"type": "pong"}:  # Time has passed, and with it room for a few.
        tab.send('{"type":"ping"}')
        answer = tab.read()
    assert isinstance(answer, Close)
    assert answer.code == 4504


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(masked(0x89), id="pings"),
        pytest.param(masked(0x8A), id="pongs"),
        pytest.param(masked(0x81), id="empty messages"),
        pytest.param(masked(0x01) + masked(0x00) * 100, id="empty fragments"),
        pytest.param(masked(0x01) + masked(0x00, b"x") * 100, id="shreds"),
    ],
)
def test_flood_of_frames_that_say_nothing_is_closed(start_gateway: Any, flood: bytes) -> None:
    gateway = start_gateway(max_frames_per_second=2)
    with dial(gateway) as wire:
        wire.sendall(HANDSHAKE.format(port=gateway.port, more="").encode())
        assert wire.recv(65536).startswith(b"HTTP/1.1 101")
        wire.sendall(flood if len(flood) > 100 else flood * 100)
        said = b"".join(iter(lambda: wire.recv(65536), b""))
    assert (4504).to_bytes(2) + b"too many" in said


@pytest.mark.parametrize("body", [b"[]", b"", b"["])
def test_flood_of_requests_that_say_nothing_is_closed(
    start_gateway: Any, tab_of: Callable[..., Tab], body: bytes
) -> None:
    gateway = start_gateway(max_frames_per_second=2)
    tab: Any = tab_of("xhr_streaming", at=gateway)
    head = f"POST /realtime{tab._session}xhr_send HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    with dial(gateway) as wire:
        wire.sendall(request * 50)
        answer = tab.read()
    assert isinstance(answer, Close)
    assert answer.code == 4504


def test_slow_handshake_does_not_slow_others(
    start_gateway: Any, alice: User, tab_of: Callable[..., Tab]
) -> None:
    """A hundred dripping strangers, and a login beside them."""
    gateway = start_gateway()
    strangers = [dial(gateway) for _ in range(100)]
    try:
        for byte in b"GET /realtime/websocket HTTP/1.1\r\n":
            for wire in strangers:
                wire.sendall(bytes((byte,)))
        began = time.monotonic()
        tab = tab_of("websocket", at=gateway)
        assert isinstance(tab.show(visit(alice).token()), dict)
        assert time.monotonic() - began < PATIENCE_S
    finally:
        for wire in strangers:
            wire.close()
