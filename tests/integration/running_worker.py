"""A worker in this process, and Django beside it."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import ref

from redis import Redis
from sockgate_gateway.config.config import Config
from sockgate_gateway.http.relay import Siblings
from sockgate_gateway.server.worker import Worker

from tests.integration.gatewayprocess import KEY, Django
from tests.waiting import until

OUTBOX_BYTES = 256 * 1024


class RunningWorker:
    """One worker in this process, and Django beside it."""

    def __init__(self, worker: Worker, port: int, redis: Redis) -> None:
        self.worker = worker
        self.port = port
        self.url = f"http://127.0.0.1:{port}/realtime"
        self.django = Django(redis)
        self.token = self.django.log_in("sid", "7", 1000)

    @property
    def connections(self) -> dict[Any, None]:
        return self.worker.parts.registry.connections

    def watched(self) -> list[ref[Any]]:
        """Refer weakly to each open connection and to its transport."""
        return [ref(o) for c in self.connections for o in (c, c.transport)]


@asynccontextmanager
async def run_worker(
    redis: Redis, siblings: Siblings | None = None, **options: Any
) -> AsyncIterator[RunningWorker]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.setblocking(False)
        given = {
            "redis_url": options.get("redis_url") or _url_of(redis),
            "connect_timeout": 1000.0,
            "heartbeat": 1000.0,
            "disconnect_delay": 0.2,
        }
        config = Config(
            signing_keys=(KEY,),
            max_outbox=OUTBOX_BYTES,
            drain_timeout=0.1,
            **{**given, **options},
        )
        worker = Worker(config, siblings)
        worker.start([sock], [])
        await until(lambda: worker.is_ready)
        try:
            yield RunningWorker(worker, sock.getsockname()[1], redis)
        finally:
            await worker.stop()


def _url_of(redis: Redis) -> str:
    at = redis.connection_pool.connection_kwargs
    return f"redis://{at['host']}:{at['port']}"
