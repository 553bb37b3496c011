"""A program for a network namespace of its own, in which a pair of addresses has few local ports.

It prints how many WebSockets come through nginx to one address of a gateway, and to two.
"""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.e2e import balancers
from tests.e2e.stack import running_stack
from tests.ports import HOST, free_port

PORTS = 40
CLIENTS = 60
FIRST = 50_000
ORIGIN = "http://shop.test"
GATEWAYS = (("127.0.0.1",), ("127.0.0.2", "127.0.0.3"))
"""Addresses of one gateway. Each case has its own, because the kernel holds ports for a while."""


def main(folder: Path) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    ports = Path("/proc/sys/net/ipv4/ip_local_port_range")
    options = {"origins": ORIGIN, "trusted_proxies": HOST, "host": "0.0.0.0"}
    with running_stack(folder / "stack", **options) as stack:
        django = stack.origin.rpartition("/")[2]
        port = stack.gateway_origin.rpartition(":")[2]
        ports.write_text(f"{FIRST} {FIRST + PORTS - 1}")
        for hosts in GATEWAYS:
            place = folder / hosts[0]
            place.mkdir()
            gateway, *more = (f"{host}:{port}" for host in hosts)
            listens_on = free_port()
            server = balancers.nginx(
                place, listens_on, django, gateway, more="".join(more), worker_connections=400
            )
            server.start()
            print(_opened(listens_on))
            server.stop()


def _opened(port: int) -> int:
    count = 0
    with ExitStack() as tabs:
        for _ in range(CLIENTS):
            own = (HOST, free_port())  # None of those that the proxy needs.
            try:
                tabs.enter_context(
                    connect(
                        f"ws://{HOST}:{port}/realtime/websocket",
                        origin=ORIGIN, proxy=None, source_address=own,
                    )
                )  # fmt: skip
            except (OSError, WebSocketException):
                continue
            count += 1
    return count


if __name__ == "__main__":
    main(Path(sys.argv[1]))
