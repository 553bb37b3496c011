"""The gateway's own share of a delivery: ``python -m benchmarks own``.

From what Redis has said to the socket, with neither: publications are given to the hub, and sockets
take all and do nothing. What a delivery costs beyond this is the kernel's, and what the caches lost
meanwhile; ``python -m benchmarks profile`` shows both, where Linux ``perf`` may be used.
"""

import time
from itertools import cycle, islice
from statistics import median
from typing import Any

from gateway.connection import Connection
from gateway.hub import Hub, Received
from gateway.websocket.link import SocketLink
from gateway.websocket.transport import SOCKJS, Surroundings, WebSocket
from gateway.wire.names import BROADCAST, Names, user_channel

CONNECTIONS = 1000
READS = 100
REPEATS = 100
MESSAGE = b'{"event":"news","data":"%b"}' % (b"x" * 64)


class _Idle:
    """Stands for Redis, the loop, the wheel and the endpoint: it is told all, and does nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *anything: None

    def opened(self, transport: WebSocket, address: str) -> Connection:
        return Connection("id", transport, address, held_limit_bytes=0)


class _Socket(_Idle):
    """Takes whatever is sent."""

    def send(self, data: bytes) -> int:
        return len(data)


def measure() -> None:
    """Print CPU µs a delivery."""
    hub = _busy_hub()
    private = cycle([_said_on(user_channel(str(number))) for number in range(CONNECTIONS)])
    for size in (1, 200):
        reads = [list(islice(private, size)) for _ in range(READS)]
        _print(f"private, {size} at once", hub, reads, size)
    for size in (1, 16):
        _print(f"fan-out, {size} at once", hub, [[_said_on(BROADCAST)] * size], size * CONNECTIONS)


def _said_on(channel: str) -> Received:
    return Names().channel(channel).encode(), MESSAGE


def _busy_hub() -> Hub:
    idle: Any = _Idle()
    hub = Hub(Names(), idle, max_publication_bytes=65536)
    shared = Surroundings(idle, idle, idle, heartbeat_s=25, max_frame=65536, max_outbox=65536)
    for number in range(CONNECTIONS):
        websocket = WebSocket(shared, SOCKJS, "192.0.2.1")
        sock: Any = _Socket()
        websocket.attach(SocketLink(sock, websocket, idle, 65536), b"")
        connection = websocket._connection
        connection.outlet = websocket
        hub.join(connection, user_channel(str(number)))
        hub.join(connection, BROADCAST)
    return hub


def _print(title: str, hub: Hub, reads: list[list[Received]], deliveries: int) -> None:
    costs = [_cpu_us(hub, reads) / (len(reads) * deliveries) for _ in range(REPEATS)]
    print(f"{title:22} {min(costs):6.3f} at best, {median(costs):6.3f} in the middle")


def _cpu_us(hub: Hub, reads: list[list[Received]]) -> float:
    begun = time.process_time()
    for received in reads:
        hub.publish(received)
    return (time.process_time() - begun) * 1e6
