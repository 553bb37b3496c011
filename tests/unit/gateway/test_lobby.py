"""Who waits in the lobby, who makes room, and that everything is passed on."""

from types import SimpleNamespace

import pytest

from gateway.lobby import Lobby, Usher
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

    def __init__(self, usher: Usher, address: str = ALICE) -> None:
        self.is_out = self.is_behind = False
        self._usher = usher
        self.context = SimpleNamespace(
            remote_ip="", protocol="", _orig_remote_ip=address, _orig_protocol="http"
        )
        self.stream = SimpleNamespace(close=self._be_shown_out, writing=lambda: self.is_behind)
        self.asks()

    def asks(self) -> None:
        """Begin a request."""
        self.request = self._usher.start_request(self, self)

    def _be_shown_out(self) -> None:
        """Tornado notices that the stream is closed, and tells."""
        self.is_out = True
        self._usher.on_close(self)


@pytest.fixture
def onward() -> FakeOnward:
    return FakeOnward()


@pytest.fixture
def lobby() -> Lobby:
    return Lobby(total=4, per_address=2, proxies=ProxyPolicy([PROXY]))


@pytest.fixture
def usher(onward: FakeOnward, lobby: Lobby) -> Usher:
    return Usher(onward, lobby, soon=lambda act: act())


def test_request_is_passed_on(usher, onward):
    request = Visitor(usher).request
    request.headers_received("GET", "headers")
    request.data_received(b"body")
    request.on_connection_close()
    request.finish()
    assert onward.seen == ["GET headers", "body", "gone", "finish"]


def test_close_is_passed_on(usher, onward):
    usher.on_close(Visitor(usher))
    assert onward.seen == ["closed"]


def test_longest_waiting_of_an_address_makes_room(usher, lobby):
    first, second, other = Visitor(usher), Visitor(usher), Visitor(usher, BOB)
    third = Visitor(usher)
    assert [v.is_out for v in (first, second, other, third)] == [True, False, False, False]
    assert len(lobby) == 3


def test_longest_waiting_of_all_makes_room(usher, lobby):
    visitors = [Visitor(usher, f"192.0.2.{number}") for number in range(5)]
    assert [v.is_out for v in visitors] == [True, False, False, False, False]
    assert len(lobby) == 4


def test_trusted_proxy_stands_for_many(usher):
    visitors = [Visitor(usher, PROXY) for _ in range(5)]
    assert [v.is_out for v in visitors] == [True, False, False, False, False]


def test_complete_request_leaves(usher, lobby):
    visitors = [Visitor(usher) for _ in range(2)]
    visitors[0].request.finish()
    assert len(lobby) == 1
    Visitor(usher)
    assert not visitors[1].is_out


def test_who_does_not_read_his_answer_stays(usher, lobby):
    visitor = Visitor(usher)
    visitor.is_behind = True
    visitor.request.finish()
    assert len(lobby) == 1
    Visitor(usher)
    Visitor(usher)
    assert visitor.is_out


def test_who_reads_late_and_asks_again_is_no_longer_the_longest_waiting(usher, lobby):
    visitor = Visitor(usher)
    visitor.is_behind = True
    visitor.request.finish()
    other = Visitor(usher)
    visitor.asks()
    assert len(lobby) == 2
    Visitor(usher)
    assert (visitor.is_out, other.is_out) == (False, True)


def test_network_of_an_ipv6_subscriber_counts_as_one(usher):
    visitors = [Visitor(usher, f"2001:db8::{number}") for number in range(3)]
    assert [v.is_out for v in visitors] == [True, False, False]


def test_kept_alive_connection_waits_again(usher, lobby):
    visitor = Visitor(usher)
    visitor.request.finish()
    visitor.asks()
    assert len(lobby) == 1
    Visitor(usher)
    Visitor(usher)
    assert visitor.is_out


def test_address_on_the_socket_counts_not_the_believed_one(usher):
    visitor = Visitor(usher)
    visitor.request.finish()
    visitor.context.remote_ip = BOB
    visitor.asks()
    Visitor(usher, BOB)
    Visitor(usher, BOB)
    assert not visitor.is_out
    Visitor(usher)
    Visitor(usher)
    assert visitor.is_out


def test_who_left_is_forgotten(usher, lobby):
    for _ in range(10):
        usher.on_close(Visitor(usher))
    assert len(lobby) == 0
