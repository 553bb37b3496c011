"""Crowds that come back over HTTP, through a slow Redis, or from one user."""

import pytest
from sockgate_gateway.errors import Disconnect
from sockgate_gateway.wire.closecodes import CloseCode

from tests.unit.gateway.fakes import FakeTransport
from tests.unit.gateway.memory_worker import CONNECT_TIMEOUT_S, FakeClient, MemoryWorker
from tests.waiting import turn_loop


def open_over_http(worker, monkeypatch) -> FakeClient:
    with monkeypatch.context() as patch:
        patch.setattr(FakeTransport, "is_over_http", True)
        client = worker.open_client()
    client.transport.is_over_http = True
    return client


async def test_openings_over_http_beyond_the_pace_are_refused_before_the_work(worker, monkeypatch):
    clients = [open_over_http(worker, monkeypatch) for _ in range(40)]
    worker.clock.advance(CONNECT_TIMEOUT_S - 1)
    with pytest.raises(Disconnect, match="too many connects wait") as refused:
        open_over_http(worker, monkeypatch)
    assert refused.value.come_back_s
    for number, client in enumerate(clients):  # What has begun is finished.
        client.send_token(worker.log_in(f"sid{number}", f"{number}"))
    await turn_loop()
    assert [client.frames()[0]["type"] for client in clients] == ["connected"] * 40
    admission = worker.lifecycle.admission
    assert (admission.waiting, admission.unsent) == (0, 0)


async def test_sessions_that_a_stranger_opens_keep_nobody_else_out(worker, monkeypatch):
    for _ in range(60):
        open_over_http(worker, monkeypatch)
    worker.clock.advance(CONNECT_TIMEOUT_S - 1)
    with pytest.raises(Disconnect, match="too many connects wait"):
        open_over_http(worker, monkeypatch)
    visitor = worker.open_client("192.0.2.7")
    visitor.send_token(worker.log_in())
    await turn_loop()
    assert visitor.frames()[0]["type"] == "connected"


async def test_sessions_over_http_do_not_hold_up_the_accept_queue(worker, monkeypatch):
    client = open_over_http(worker, monkeypatch)
    assert (worker.lifecycle.admission.waiting, worker.lifecycle.count_unfinished()) == (1, 0)
    release = worker.hold_channels()
    client.send_token(worker.log_in())
    await turn_loop()
    assert worker.lifecycle.count_unfinished() == 1
    release()
    await turn_loop()
    assert worker.lifecycle.count_unfinished() == 0


async def test_session_over_http_that_ends_early_is_counted_no_more(worker, monkeypatch):
    silent, wrong = (open_over_http(worker, monkeypatch) for _ in range(2))
    wrong.send_token("no token")
    worker.clock.advance(CONNECT_TIMEOUT_S + 1)
    assert silent.code is CloseCode.CONNECT_TIMEOUT
    admission = worker.lifecycle.admission
    assert (admission.waiting, admission.unsent) == (0, 0)


@pytest.mark.parametrize("uid", ["7", ""])
async def test_user_has_no_more_connects_checked_than_connections_allowed(clock, uid):
    worker = MemoryWorker(clock, max_per_user=2)
    release = worker.hold_channels()
    token = worker.log_in("sid", uid)
    late = worker.delay_next_reply()
    clients = [worker.open_client() for _ in range(3)]
    for client in clients:
        client.send_token(token)
    assert [client.code for client in clients] == [None, None, CloseCode.TOO_MANY_CONNECTIONS]
    assert worker.lifecycle.admission.waiting == 2
    late.may_arrive.set()
    release()
    await turn_loop()
    assert [client.frames()[0]["type"] for client in clients[:2]] == ["connected"] * 2


async def test_user_with_most_waiting_connects_is_refused_first(worker):
    worker.delay_next_reply()
    token = worker.log_in("evil", "666")
    opened = [worker.open_client() for _ in range(60)]
    for client in opened[:40]:
        client.send_token(token)
    await turn_loop()
    worker.clock.advance(3.5)
    for _ in range(80):  # The worker completes some in each second, but less than come.
        worker.lifecycle.admission.begin()
        worker.lifecycle.admission.end()
    worker.clock.advance(3.5)
    again, other = opened[40:42]
    again.send_token(token)
    assert again.code is CloseCode.OVERLOADED
    other.send_token(worker.log_in("good", "7"))
    assert other.code is None
