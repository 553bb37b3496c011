"""Floods: of connections, of requests that never end, of answers unread, of frames."""

import re
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.e2e.tabs import TABS, Close, Tab
from tests.security.visits import Visit, visit
from tests.security.wires import (
    HANDSHAKE,
    PATIENCE_S,
    WEBSOCKETS,
    ask_until_nothing_is_taken,
    dial,
    is_closed,
    is_shut_out,
    masked,
    masked_text,
)

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


OPEN = '{"open": {"public": true, "publish": "subscribers"}}'
PUBLISH = '{"type":"publish","channel":"open:1","event":"client-x","data":1,"id":%d}'


def test_oldest_connection_without_a_token_is_displaced(start_gateway: Any, visitor: Visit) -> None:
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


def test_dripping_request_is_displaced(start_gateway: Any) -> None:
    gateway = start_gateway(max_per_address=2)
    wires = [dial(gateway) for _ in range(2)]
    try:
        for wire in wires:
            wire.sendall(b"POST /realtime/000/a/xhr_send HTTP/1.1\r\nHost: x\r\n")
            wire.sendall(b"Content-Length: 1000\r\n\r\n[")
        wires += [dial(gateway) for _ in range(2)]
        for wire in wires[2:]:
            wire.sendall(b"GET /realtime/info HTTP/1.1\r\nHo")
        assert all(is_closed(wire) for wire in wires[:2])
    finally:
        for wire in wires:
            wire.close()


def test_client_that_reads_no_response_is_displaced(start_gateway: Any) -> None:
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
    first, second, third = (tab_of(at=gateway) for _ in range(3))
    answer = first.read()
    assert isinstance(answer, Close)
    assert answer.code == 3002
    assert isinstance(third.show(visitor.token()), dict)
    assert isinstance(second.show(visitor.token()), dict)
    assert "sockgate_displaced_total 1.0" in gateway.metrics()


@pytest.mark.parametrize("transport", [name for name in TABS if name not in WEBSOCKETS])
def test_address_may_not_open_many_without_a_token_over_http(
    start_gateway: Any, tab_of: Callable[..., Tab], transport: str
) -> None:
    gateway = start_gateway(max_per_address=2)
    tabs = [tab_of(transport, at=gateway) for _ in range(3)]
    displaced = tabs[0].read()
    assert isinstance(displaced, Close)
    assert displaced.code == 3002


def test_five_addresses_do_not_lock_out_other_clients(start_gateway: Any, visitor: Visit) -> None:
    """They hold every place without a token, and come again while an honest browser waits."""
    limits = {"max_unauthenticated": 50, "max_per_address": 10, "max_per_user": 200}
    gateway, token = start_gateway(**limits), visitor.token()
    attackers = [f"127.0.0.{number}" for number in range(2, 7)]
    answers = []
    with ExitStack() as opened:
        for address in attackers * 10:
            opened.enter_context(upgraded_from(gateway, address))
        for number in range(1, 101):
            honest = opened.enter_context(upgraded_from(gateway, f"127.0.1.{number}"))
            for address in attackers:
                opened.enter_context(upgraded_from(gateway, address))
            answers.append(log_in(honest, token))
    assert sum(b'"connected"' in answer for answer in answers) == 100


def upgraded_from(gateway: Any, address: str) -> socket.socket:
    """Ask for a WebSocket from an address of this machine; it may be refused."""
    wire = socket.create_connection(("127.0.0.1", gateway.port), PATIENCE_S, (address, 0))
    wire.sendall(HANDSHAKE.format(port=gateway.port, more="").encode())
    wire.recv(65536)
    return wire


def log_in(wire: socket.socket, token: str) -> bytes:
    """Show a token on a WebSocket, and return what comes back, if anything does."""
    try:
        wire.sendall(masked_text(f'{{"type":"connect","token":"{token}"}}'))
        return wire.recv(65536)
    except ConnectionError:
        return b""


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
    """A visitor has no user; their session is counted instead."""
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
def test_client_that_sends_too_much_is_closed(
    start_gateway: Any, tab_of: Callable[..., Tab], visitor: Visit, transport: str
) -> None:
    gateway = start_gateway(max_frames_per_second=2)
    tab = tab_of(transport, at=gateway)
    tab.show(visitor.token())
    for _ in range(19):  # With the connect: as many as ten seconds allow.
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
def test_flood_of_empty_frames_is_closed(start_gateway: Any, flood: bytes) -> None:
    gateway = start_gateway(max_frames_per_second=2)
    with dial(gateway) as wire:
        wire.sendall(HANDSHAKE.format(port=gateway.port, more="").encode())
        assert wire.recv(65536).startswith(b"HTTP/1.1 101")
        wire.sendall(flood if len(flood) > 100 else flood * 100)
        received = b"".join(iter(lambda: wire.recv(65536), b""))
    assert (4504).to_bytes(2) + b"too many" in received


@pytest.mark.parametrize("body", [b"[]", b"", b"[", b"{}"])
def test_flood_of_empty_requests_is_closed(
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


def test_reconnecting_gives_no_new_budget_of_publications(
    start_gateway: Any, tab_of: Callable[..., Tab], visitor: Visit
) -> None:
    """A connection publishes nearly what it may, and the next one takes its place."""
    gateway = start_gateway(max_frames_per_second=10, namespaces=OPEN)
    token, codes = visitor.token(), Counter[str]()
    began = time.monotonic()
    for _ in range(10):
        tab = tab_of(at=gateway)
        tab.show(token)
        tab.send('{"type":"subscribe","channel":"open:1","id":99}')
        answers_to(tab, {99})
        for number in range(9):
            tab.send(PUBLISH % number)
        answers = answers_to(tab, set(range(9)))
        codes.update(answer.get("code", answer["type"]) for answer in answers)
        tab.close()
    burst, per_second = 10, 1
    assert burst <= codes["published"] <= burst + per_second * (time.monotonic() - began)
    assert codes["published"] + codes["too_many"] == 90


def test_limit_of_frames_is_shared_by_the_connections_of_a_user(
    start_gateway: Any, tab_of: Callable[..., Tab], visitor: Visit
) -> None:
    """Ten tabs may use their full budget; a hundred connections in succession may not."""
    gateway, token = start_gateway(max_frames_per_second=2), visitor.token()
    closes = []
    for count in range(100):
        tab = tab_of(at=gateway)
        tab.show(token)
        for _ in range(15):
            tab.send('{"type":"ping"}')
        answers = [tab.read()]
        while len(answers) < 15 and not isinstance(answers[-1], Close):
            answers.append(tab.read())
        closes += [(count, answer.code) for answer in answers if isinstance(answer, Close)]
        if closes:
            break
        tab.close()
    ((count, code),) = closes
    assert count >= 10
    assert code == 4504


def test_limit_of_frames_is_shared_by_the_connections_of_an_address_without_a_token(
    start_gateway: Any,
) -> None:
    gateway = start_gateway(max_frames_per_second=2)
    received = b""
    for _ in range(100):
        with dial(gateway) as wire:
            wire.sendall(HANDSHAKE.format(port=gateway.port, more="").encode())
            wire.recv(65536)
            wire.sendall(masked(0x89) * 15 + masked(0x88))
            received = b"".join(iter(lambda: wire.recv(65536), b""))
        if b"too many" in received:
            break
    assert (3002).to_bytes(2) + b"too many" in received


def answers_to(tab: Tab, numbers: set[int]) -> list[dict[str, Any]]:
    """Read on until the frames of these numbers are answered, or the gateway closes."""
    answers: list[dict[str, Any]] = []
    while len(answers) < len(numbers):
        answer = tab.read()
        if isinstance(answer, Close):
            break
        answers += [answer] if answer.get("reply_to") in numbers else []
    return answers


def test_client_cannot_choose_the_label_of_a_metric(start_gateway: Any) -> None:
    """Close codes of clients are counted together, and not as the gateway's own."""
    gateway = start_gateway()
    for code in (1000, 3003, 3999, 4400, 4999):
        with dial(gateway) as wire:
            wire.sendall(HANDSHAKE.format(port=gateway.port, more="").encode())
            wire.recv(65536)
            wire.sendall(masked(0x88, code.to_bytes(2)))
            assert is_closed(wire)
    closed = re.findall(r"^sockgate_closed_total\{.* [^0].*$", gateway.metrics(), re.MULTILINE)
    assert closed == ['sockgate_closed_total{code="client"} 5.0']


def test_slow_handshake_does_not_slow_others(
    start_gateway: Any, alice: User, tab_of: Callable[..., Tab]
) -> None:
    """A hundred connections send their request slowly; another client connects beside them."""
    gateway = start_gateway()
    pending = [dial(gateway) for _ in range(100)]
    try:
        for byte in b"GET /realtime/websocket HTTP/1.1\r\n":
            for wire in pending:
                wire.sendall(bytes((byte,)))
        began = time.monotonic()
        tab = tab_of("websocket", at=gateway)
        assert isinstance(tab.show(visit(alice).token()), dict)
        assert time.monotonic() - began < PATIENCE_S
    finally:
        for wire in pending:
            wire.close()
