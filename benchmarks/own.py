"""The gateway's own share of a delivery: ``python -m benchmarks own``.

From what Redis has said to the socket, with neither: publications are given to the hub, and sockets
take all and do nothing. What a delivery costs beyond this is the kernel's, and what the caches lost
meanwhile; ``python -m benchmarks profile`` shows both, where Linux ``perf`` may be used.

It also prints what packing the commands of a connect costs, with hiredis and as redis-py does it.
That is too little to be seen in the cost of a whole connect.
"""

import time
from itertools import cycle, islice
from statistics import median
from typing import Any

from redis.asyncio.connection import Connection as RedisConnection
from sockgate_gateway.channels.audience import Audience
from sockgate_gateway.channels.history import HistoryReply
from sockgate_gateway.channels.history_queue import HistoryQueue
from sockgate_gateway.channels.hub import Hub, Received
from sockgate_gateway.channels.latencies import Latencies
from sockgate_gateway.channels.markup_gate import MarkupGate
from sockgate_gateway.channels.pending_subscriptions import SingleSubscription
from sockgate_gateway.channels.presence_counts import PresenceCounts
from sockgate_gateway.connections.connection import Connection
from sockgate_gateway.connections.journal import Journal
from sockgate_gateway.loop.batching import MAX_BATCH
from sockgate_gateway.redis_servers.connection import HiredisConnection
from sockgate_gateway.websocket.framing import SOCKJS
from sockgate_gateway.websocket.stream import SocketStream
from sockgate_gateway.websocket.transport import WebSocket, WebSocketContext
from sockgate_gateway.wire.markup import MarkupSigner
from sockgate_gateway.wire.names import BROADCAST, Names, user_channel
from sockgate_gateway.wire.namespaces import Policy
from sockgate_gateway.wire.protocol import NO_CROWD

CONNECTIONS = 1000
READS = 100
REPEATS = 100
WITHOUT_HISTORY = Policy(recover=False)
MESSAGE = b'{"event":"news","data":"%b"}' % (b"x" * 64)


class _Idle:
    """A stub for Redis, the loop, the timer wheel and the lifecycle. Its methods do nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *anything, **named: None

    def open(self, transport: WebSocket, address: str) -> Connection:
        return Connection("id", transport, address, held_limit_bytes=0)


class _Socket(_Idle):
    """A socket that accepts everything."""

    def send(self, data: bytes) -> int:
        return len(data)


def measure() -> None:
    """Print CPU µs a delivery."""
    hub = _busy_hub()
    private = cycle([_received_on(user_channel(str(number))) for number in range(CONNECTIONS)])
    for size in (1, 200):
        reads = [list(islice(private, size)) for _ in range(READS)]
        _print(f"private, {size} at once", hub, reads, size)
    for size in (1, 16):
        _print(
            f"fan-out, {size} at once", hub, [[_received_on(BROADCAST)] * size], size * CONNECTIONS
        )
    for connection in (HiredisConnection(), RedisConnection()):
        _print_packing(connection)


def _received_on(channel: str) -> Received:
    return Names().channel(channel).encode(), MESSAGE


def _busy_hub() -> Hub:
    idle: Any = _Idle()
    queue = HistoryQueue()
    hub = Hub(
        Names(),
        idle,
        queue,
        idle,
        Audience(PresenceCounts(), 100, Journal()),
        lambda channel: WITHOUT_HISTORY,
        MarkupGate(Names(), MarkupSigner(("key" * 20,))),
        Latencies(time.time, lambda: None, tuple),
        max_publication_bytes=65536,
        pending_limit_bytes=65536,
    )
    context = WebSocketContext(
        lifecycle=idle,
        wheel=idle,
        poller=idle,
        heartbeat_s=25,
        max_message_bytes=65536,
        max_outbox_bytes=65536,
        take_over=idle,
    )
    connections = []
    for _ in range(CONNECTIONS):
        websocket = WebSocket(context, SOCKJS, "192.0.2.1")
        sock: Any = _Socket()
        websocket.attach(SocketStream(sock, websocket, idle, 65536), b"")
        connection = websocket._connection
        connection.outlet = websocket
        connections.append(connection)
    # Afterwards: subscriptions in memory between the connections cost 5 % of a fan-out.
    for number, connection in enumerate(connections):
        for channel in (user_channel(str(number)), BROADCAST):
            subscription = SingleSubscription(connection, channel, idle, lambda: NO_CROWD)
            hub.subscribe(connection, channel, subscription)
    for behind in queue.take(len(queue)):
        behind.history_request()
        hub.apply_history(behind, HistoryReply(None))
    return hub


def _print(title: str, hub: Hub, reads: list[list[Received]], deliveries: int) -> None:
    costs = [_cpu_us(hub, reads) / (len(reads) * deliveries) for _ in range(REPEATS)]
    print(f"{title:22} {min(costs):6.3f} minimum, {median(costs):6.3f} median")


def _print_packing(connection: RedisConnection) -> None:
    """Print CPU µs a connect for packing the commands of a batch of connects."""
    numbers = range(MAX_BATCH)
    subscribe = ("SUBSCRIBE", *(f"rt:user:{number}" for number in numbers))
    keys = [
        key for number in numbers for key in (Names().session("x" * 32), Names().user(str(number)))
    ]
    read_logins = ("EVALSHA", "f" * 40, len(keys), *keys)
    costs = []
    for _ in range(REPEATS):
        begun = time.process_time()
        for command in (subscribe, read_logins):
            connection.pack_command(*command)
        costs.append((time.process_time() - begun) * 1e6 / MAX_BATCH)
    title = f"packing, {type(connection).__name__}"
    print(f"{title:22} {min(costs):6.3f} minimum, {median(costs):6.3f} median")


def _cpu_us(hub: Hub, reads: list[list[Received]]) -> float:
    begun = time.process_time()
    for received in reads:
        hub.fan_out(received)
    return (time.process_time() - begun) * 1e6
