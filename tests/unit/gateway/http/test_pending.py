"""Which connections are pending, which are closed above the limits, and what is forwarded."""

from types import SimpleNamespace

import pytest
from sockgate_gateway.http.pending import Evictions, PendingConnections, PendingRequests
from sockgate_gateway.http.proxies import ProxyPolicy
from tornado.httputil import HTTPHeaders, RequestStartLine

PROXY = "10.0.0.1"
ALICE, BOB = "192.0.2.1", "192.0.2.2"


class RecordingDelegate:
    """Records what a delegate of requests receives."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def start_request(self, server_conn, request_conn):
        return self

    def headers_received(self, start_line, headers) -> None:
        self.seen.append(start_line.path)

    def data_received(self, chunk: bytes) -> None:
        self.seen.append(chunk.decode())

    def finish(self) -> None:
        self.seen.append("finish")

    def on_connection_close(self) -> None:
        self.seen.append("disconnect")

    def on_close(self, server_conn) -> None:
        self.seen.append("closed")


class Client:
    """One TCP connection, and Tornado's connection object for it."""

    def __init__(self, requests: PendingRequests, address: str = ALICE) -> None:
        self.is_closed = self.is_unread = False
        self._requests = requests
        self.context = SimpleNamespace(
            remote_ip="", protocol="", _orig_remote_ip=address, _orig_protocol="http"
        )
        self.stream = SimpleNamespace(
            close=self._close, closed=lambda: self.is_closed, writing=lambda: self.is_unread
        )
        self.start_request()

    def start_request(self) -> None:
        """Begin a request."""
        self.request = self._requests.start_request(self, self)

    def _close(self) -> None:
        """Close the stream; Tornado then calls ``on_close``."""
        self.is_closed = True
        self._requests.on_close(self)


@pytest.fixture
def inner() -> RecordingDelegate:
    return RecordingDelegate()


@pytest.fixture
def evictions() -> Evictions:
    return Evictions()


@pytest.fixture
def pending(evictions: Evictions) -> PendingConnections:
    return PendingConnections(
        total=4, per_address=2, proxies=ProxyPolicy([PROXY]), evictions=evictions
    )


@pytest.fixture
def requests(inner: RecordingDelegate, pending: PendingConnections) -> PendingRequests:
    return PendingRequests(inner, pending, call_soon=lambda act: act(), max_body_bytes=100)


def test_request_is_forwarded(requests, inner):
    request = Client(requests).request
    request.headers_received(RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders({"Host": "a"}))
    request.data_received(b"body")
    request.on_connection_close()
    request.finish()
    assert inner.seen == ["/", "body", "disconnect", "finish"]


def test_close_is_forwarded(requests, inner):
    requests.on_close(Client(requests))
    assert inner.seen == ["closed"]


def test_oldest_connection_of_an_address_is_closed(requests, pending):
    first, second, other = (
        Client(requests),
        Client(requests),
        Client(requests, BOB),
    )
    third = Client(requests)
    assert [c.is_closed for c in (first, second, other, third)] == [True, False, False, False]
    assert len(pending) == 3


def test_oldest_connection_of_all_is_closed_and_counted(requests, pending, evictions):
    connections = [Client(requests, f"192.0.2.{number}") for number in range(5)]
    assert [c.is_closed for c in connections] == [True, False, False, False, False]
    assert (len(pending), evictions.count) == (4, 1)


def test_oldest_connection_of_the_fullest_source_is_closed(requests):
    other, first, second = (
        Client(requests, BOB),
        Client(requests),
        Client(requests),
    )
    Client(requests, "192.0.2.3")
    newest = Client(requests, "192.0.2.4")
    assert [c.is_closed for c in (other, first, second, newest)] == [False, True, False, False]


def test_only_the_total_limits_a_trusted_proxy(requests):
    connections = [Client(requests, PROXY) for _ in range(5)]
    assert [c.is_closed for c in connections] == [True, False, False, False, False]


def test_complete_request_is_not_pending(requests, pending):
    connections = [Client(requests) for _ in range(2)]
    connections[0].request.finish()
    assert len(pending) == 1
    Client(requests)
    assert not connections[1].is_closed


def test_client_that_does_not_read_its_response_is_pending(requests, pending):
    connection = Client(requests)
    connection.is_unread = True
    connection.request.finish()
    assert len(pending) == 1
    Client(requests)
    Client(requests)
    assert connection.is_closed


def test_next_request_after_a_late_read_renews_the_age(requests, pending):
    connection = Client(requests)
    connection.is_unread = True
    connection.request.finish()
    other = Client(requests)
    connection.start_request()
    assert len(pending) == 2
    Client(requests)
    assert (connection.is_closed, other.is_closed) == (False, True)


def test_ipv6_network_of_64_bits_counts_as_one_source(requests):
    connections = [Client(requests, f"2001:db8::{number}") for number in range(3)]
    assert [c.is_closed for c in connections] == [True, False, False]


def test_kept_alive_connection_is_pending_again(requests, pending):
    connection = Client(requests)
    connection.request.finish()
    connection.start_request()
    assert len(pending) == 1
    Client(requests)
    Client(requests)
    assert connection.is_closed


def test_address_on_the_socket_counts_not_the_forwarded_one(requests):
    connection = Client(requests)
    connection.request.finish()
    connection.context.remote_ip = BOB
    connection.start_request()
    Client(requests, BOB)
    Client(requests, BOB)
    assert not connection.is_closed
    Client(requests)
    Client(requests)
    assert connection.is_closed


def test_closed_connection_is_not_pending(requests, pending):
    for _ in range(10):
        requests.on_close(Client(requests))
    assert len(pending) == 0


@pytest.fixture
def narrow(inner: RecordingDelegate) -> PendingRequests:
    """Count requests whose bodies may have ten bytes together."""
    pending = PendingConnections(
        total=9, per_address=9, proxies=ProxyPolicy([]), max_total_body_bytes=10
    )
    return PendingRequests(inner, pending, call_soon=lambda act: act(), max_body_bytes=100)


def test_oldest_body_of_the_source_that_sends_most_is_closed(narrow):
    honest = Client(narrow, BOB)
    honest.request.data_received(b"1234")
    connections = [Client(narrow) for _ in range(3)]
    for connection in connections:
        connection.request.data_received(b"123")
    assert (honest.is_closed, *(c.is_closed for c in connections)) == (False, True, False, False)


def test_complete_body_is_no_longer_counted(narrow):
    for _ in range(9):
        connection = Client(narrow)
        connection.request.data_received(b"12345678")
        connection.request.finish()
        assert not connection.is_closed


def test_handler_of_a_closed_body_is_notified_at_once_and_once(narrow, inner):
    """The body is freed before more arrives; Tornado's own call, a turn later, is dropped."""
    first, second = Client(narrow), Client(narrow)
    for connection in (first, second):
        connection.request.data_received(b"123456")
    assert inner.seen == ["123456", "closed", "disconnect", "123456"]
    first.request.data_received(b"more")
    first.request.on_connection_close()
    assert len(inner.seen) == 4
