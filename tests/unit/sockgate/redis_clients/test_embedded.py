"""The password of the embedded Valkey, where another program has its port."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import ConnectionError as RedisConnectionError
from sockgate.conf.defaults.embedded_valkey import lock, prepare
from sockgate.redis_clients import pools


class Stranger:
    """A program on the port of the embedded Valkey; keeps what it receives."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.received = b""
        self._sockets = [self._listener]
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> bytes:
        """End it, and return what it has received."""
        for sock in self._sockets:
            with suppress(OSError):  # The other side may have closed it.
                sock.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        return self.received

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(connection)
            with connection:
                while data := connection.recv(65536):
                    self.received += data
                    connection.sendall(b"+OK\r\n" * data.count(b"*"))


@pytest.fixture
def folder(
    no_test_run: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.delenv("SOCKGATE_REDIS_URL", raising=False)
    settings.DEBUG = True
    settings.BASE_DIR = tmp_path
    settings.SOCKGATE = {}
    prepare(tmp_path / ".sockgate")
    return tmp_path / ".sockgate"


@pytest.fixture
def stranger(folder: Path) -> Iterator[Stranger]:
    stranger = Stranger(urlsplit((folder / "redis.url").read_text().strip()).port or 0)
    yield stranger
    stranger.close()


def test_password_is_kept_from_a_stranger(
    folder: Path, stranger: Stranger, caplog: pytest.LogCaptureFixture
) -> None:
    client = pools.publisher()
    with pytest.raises(RedisConnectionError, match=r"runs only beside manage\.py runserver"):
        client.publish("rt:user:1", "{}")
    client.close()
    assert stranger.close() == b""
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_asyncio_client_keeps_the_password_from_a_stranger(
    folder: Path, stranger: Stranger
) -> None:
    async def publish() -> None:
        client = await pools.async_publisher()
        await client.publish("rt:user:1", "{}")

    with pytest.raises(RedisConnectionError, match=r"runs only beside manage\.py runserver"):
        asyncio.run(publish())
    assert stranger.close() == b""


def test_password_goes_to_the_server_that_holds_the_lock(folder: Path, stranger: Stranger) -> None:
    with lock(folder):
        client = pools.publisher()
        client.publish("rt:user:1", "{}")
        client.close()
    password = urlsplit((folder / "redis.url").read_text().strip()).password or "-"
    assert password.encode() in stranger.close()
