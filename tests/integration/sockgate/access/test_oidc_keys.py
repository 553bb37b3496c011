"""Reading the keys of a provider that is slow, or that drips bytes for ever."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest
from sockgate.access.oidc.errors import ProviderUnavailable
from sockgate.access.oidc.fetching import fetch
from sockgate.access.oidc.keys import COOLDOWN_S, LIFETIME_S, MAX_WAITING, KeySource

from tests.ports import HOST
from tests.waiting import PATIENCE_S, wait_until

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
KEYS = {"keys": [{"kid": "one"}]}


class DrippingServer:
    """Sends ``head`` at once, then a byte of ``drop`` every 20 ms until its client leaves."""

    def __init__(self, head: bytes, drop: bytes) -> None:
        self._head, self._drop = head, drop
        self._socket = socket.create_server((HOST, 0))
        self.port = self._socket.getsockname()[1]
        self.lost = Event()
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        client, _ = self._socket.accept()
        try:
            client.sendall(self._head)
            for _ in range(50 * 60):
                client.sendall(self._drop)
                sleep(0.02)
        except OSError:
            self.lost.set()
        finally:
            client.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def dripping() -> Iterator[Callable[[bytes, bytes], DrippingServer]]:
    servers: list[DrippingServer] = []

    def start(head: bytes, drop: bytes) -> DrippingServer:
        servers.append(DrippingServer(head, drop))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    ("scheme", "head", "drop"),
    [
        ("http", HEAD, b" "),
        ("http", b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        ("http", b"", b"H"),
        # A record of TLS, of which the handshake never comes to an end.
        ("https", b"\x16\x03\x03\x40\x00", b"\x00"),
    ],
    ids=["body", "headers", "status line", "TLS"],
)
def test_provider_that_drips_is_left_at_the_deadline(
    dripping: Any, scheme: str, head: bytes, drop: bytes
) -> None:
    server = dripping(head, drop)
    with pytest.raises(ProviderUnavailable):
        fetch(f"{scheme}://{HOST}:{server.port}/keys", timeout_s=0.5)
    assert server.lost.wait(PATIENCE_S)


class Reading:
    """A reading of keys that goes on until ``go_on`` is set."""

    def __init__(self) -> None:
        self.go_on = Event()
        self.count = 0
        self.document = KEYS

    def __call__(self, url: str) -> Any:
        self.count += 1
        assert self.go_on.wait(PATIENCE_S)
        return self.document


def test_many_views_read_keys_once_and_few_of_them_wait() -> None:
    reading = Reading()
    source = KeySource("https://id.example/keys", reading)

    def find(_: int) -> Any:
        try:
            return source.find("one")
        except ProviderUnavailable:
            return "later"

    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(find, number) for number in range(8)]
        # All others have their answer while the keys are still being read.
        wait_until(lambda: sum(one.done() for one in found) == 8 - MAX_WAITING)
        reading.go_on.set()
        answers = [one.result() for one in found]
    assert answers.count("later") == 8 - MAX_WAITING
    assert [answer for answer in answers if answer != "later"] == [({"kid": "one"},)] * MAX_WAITING
    assert reading.count == 1


def renewing(reading: Reading) -> KeySource:
    """Return keys that are known, and are being read again."""
    now = [0.0]
    source = KeySource("https://id.example/keys", reading, clock=lambda: now[0])
    reading.go_on.set()
    assert source.find("one") == ({"kid": "one"},)
    reading.go_on.clear()
    now[0] = LIFETIME_S
    return source


def test_logouts_with_a_known_key_do_not_wait_for_a_renewal() -> None:
    reading = Reading()
    source = renewing(reading)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(source.find, ["one"] * 8, timeout=PATIENCE_S))
    assert answers == [({"kid": "one"},)] * 8
    assert not reading.go_on.is_set()
    wait_until(lambda: reading.count == 2)
    reading.document = {"keys": [{"kid": "two"}]}
    reading.go_on.set()
    wait_until(lambda: source.find("two"))
    assert source.find("one") == ()


def test_token_without_a_key_id_waits_for_a_renewal_and_is_not_refused() -> None:
    reading = Reading()
    source = renewing(reading)
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(source.find, None) for _ in range(8)]
        wait_until(lambda: sum(one.done() for one in found) == 8 - MAX_WAITING)
        reading.document = {"keys": [{"kid": "two"}]}
        reading.go_on.set()
        answers = [one.result()[0]["kid"] for one in found]
    assert sorted(answers) == ["one"] * (8 - MAX_WAITING) + ["two"] * MAX_WAITING


def test_known_keys_are_found_again_after_a_reading_that_failed() -> None:
    now = [monotonic()]
    documents: list[Any] = [KEYS, ProviderUnavailable("away"), KEYS]

    def read(url: str) -> Any:
        document = documents.pop(0)
        if isinstance(document, Exception):
            raise document
        return document

    source = KeySource("https://id.example/keys", read, clock=lambda: now[0])
    for left in (2, 1, 0):
        wait_until(lambda left=left: source.find("one") and len(documents) == left)
        now[0] += LIFETIME_S
    now[0] += COOLDOWN_S - LIFETIME_S
    assert source.find("one") == ({"kid": "one"},)
