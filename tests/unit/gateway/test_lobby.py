"""Who waits in the lobby, who makes room, and that everything is passed on."""

from types import SimpleNamespace

import pytest

from gateway.lobby import Lobby
from gateway.proxies import ProxyPolicy

PROXY = "10.0.0.1"
ALICE, BOB = "192.0.2.1", "192.0.2.2"


class FakeOnward:
    """Whoever serves requests; it writes down what reaches it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def start_request(self, server_conn, request_conn):
        return self

    def headers_received(self, start_line, headers) -> None:
        self.seen.append(f"{start_line} {headers}")

    def data_received(self, chunk: bytes) -> None:
        self.seen.append(chunk.decode())

    def finish(self) -> None:
        self.seen.append("finish")

    def on_connection_close(self) -> None:
        self.seen.append("gone")

    def on_close(self, server_conn) -> None:
        self.seen.append("closed")


class Visitor:
    """One TCP connection, as far as the lobby sees it."""

    def __init__(self, lobby: Lobby, address: str = ALICE) -> None:
        self.is_out = False
        self._lobby = lobby
        self.context = SimpleNamespace(
            remote_ip="", protocol="", _orig_remote_ip=address, _orig_protocol="http"
        )
        self.stream = SimpleNamespace(close=self._be_shown_out)
        self.asks()

    def asks(self) -> None:
        """Begin a request."""
        self.request = self._lobby.start_request(self, self)

    def _be_shown_out(self) -> None:
        """Tornado notices that the stream is closed, and tells."""
        self.is_out = True
        self._lobby.on_close(self)


@pytest.fixture
def onward() -> FakeOnward:
    return FakeOnward()


@pytest.fixture
def lobby(onward: FakeOnward) -> Lobby:
    return Lobby(onward, total=4, per_address=2, proxies=ProxyPolicy([PROXY]))


def test_request_is_passed_on(lobby, onward):
    request = Visitor(lobby).request
    request.headers_received("GET", "headers")
    request.data_received(b"body")
    request.on_connection_close()
    request.finish()
    assert onward.seen == ["GET headers", "body", "gone", "finish"]


def test_close_is_passed_on(lobby, onward):
    lobby.on_close(Visitor(lobby))
    assert onward.seen == ["closed"]


def test_longest_waiting_of_an_address_makes_room(lobby):
    first, second, other = Visitor(lobby), Visitor(lobby), Visitor(lobby, BOB)
    third = Visitor(lobby)
    assert [v.is_out for v in (first, second, other, third)] == [True, False, False, False]
    assert len(lobby) == 3


def test_longest_waiting_of_all_makes_room(lobby):
    visitors = [Visitor(lobby, f"192.0.2.{number}") for number in range(5)]
    assert [v.is_out for v in visitors] == [True, False, False, False, False]
    assert len(lobby) == 4


def test_trusted_proxy_stands_for_many(lobby):
    visitors = [Visitor(lobby, PROXY) for _ in range(5)]
    assert [v.is_out for v in visitors] == [True, False, False, False, False]


def test_complete_request_leaves(lobby):
    visitors = [Visitor(lobby) for _ in range(2)]
    visitors[0].request.finish()
    assert len(lobby) == 1
    Visitor(lobby)
    assert not visitors[1].is_out


def test_kept_alive_connection_waits_again(lobby):
    visitor = Visitor(lobby)
    visitor.request.finish()
    visitor.asks()
    assert len(lobby) == 1
    Visitor(lobby)
    Visitor(lobby)
    assert visitor.is_out


def test_address_on_the_socket_counts_not_the_believed_one(lobby):
    visitor = Visitor(lobby)
    visitor.request.finish()
    visitor.context.remote_ip = BOB
    visitor.asks()
    Visitor(lobby, BOB)
    Visitor(lobby, BOB)
    assert not visitor.is_out
    Visitor(lobby)
    Visitor(lobby)
    assert visitor.is_out


def test_who_left_is_forgotten(lobby):
    for _ in range(10):
        lobby.on_close(Visitor(lobby))
    assert len(lobby) == 0
