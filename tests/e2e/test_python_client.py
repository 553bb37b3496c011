"""The Python client on the demo's site and gateway."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from sockgate.client import (
    Client,
    ConnectionClosed,
    Message,
    RequestRejected,
    SiteSession,
    SocketOptions,
    State,
)

from tests.e2e.stack import NEWS, Stack
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.e2e

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "python_client"
DIRECT = SocketOptions(uses_proxy=False)


def session_of(stack: Stack, visitor) -> SiteSession:
    return SiteSession(stack.origin, {"sessionid": visitor.session_key}, uses_proxy=False)


@pytest.fixture
def alice(log_in):
    return log_in("alice")


@pytest.fixture
def client(stack, alice) -> Iterator[Client]:
    with Client(session_of(stack, alice), sockets=DIRECT) as client:
        client.wait_until_connected(PATIENCE_S)
        yield client


def next_message(client: Client) -> Message:
    while not isinstance(event := client.receive(PATIENCE_S), Message):
        pass
    return event


def test_session_cookie_is_enough_to_receive(stack, client):
    stack.publish(f"user:{client.user}")
    assert next_message(client) == Message("news", NEWS["data"], f"user:{client.user}")


def test_site_decides_about_subscriptions(stack, client):
    client.subscribe("room:7")
    stack.publish("room:7")
    assert next_message(client).channel == "room:7"
    with pytest.raises(RequestRejected, match="not allowed"):
        client.subscribe("room:staff")


def test_logout_closes_the_client(client, alice):
    alice.log_out()
    with pytest.raises(ConnectionClosed) as closed:
        for _ in client:
            pass
    assert closed.value.code == 4500
    assert client.state is State.CLOSED


def test_strange_cookie_is_not_signed_in(stack):
    session = SiteSession(stack.origin, {"sessionid": "of-nobody"}, uses_proxy=False)
    with Client(session, sockets=DIRECT) as client, pytest.raises(ConnectionClosed) as closed:
        client.wait_until_connected(PATIENCE_S)
    assert (closed.value.code, closed.value.reason) == (401, "not signed in")


def test_example_follows_a_channel(stack, alice, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    follow = runpy.run_path(str(EXAMPLES / "follow.py"))["follow"]
    lines = follow(stack.origin, alice.session_key)
    first: list[str] = []
    reader = Thread(target=lambda: first.append(next(lines)))
    reader.start()
    while reader.is_alive():
        stack.publish("room:7")
        reader.join(0.05)
    assert first == [f"room:7 news {NEWS['data']}"]
    lines.close()
