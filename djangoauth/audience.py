"""How many connections would hear a publication: the workers are asked, and answer in Redis."""

from collections.abc import Iterator
from secrets import token_urlsafe
from time import monotonic

from gateway.wire.addresses import Kind
from gateway.wire.control import CountConnections
from gateway.wire.names import check_channel

from . import conf, redis_clients
from .control import tell_gateways

DEADLINE_S = 1.0


def count_connections(channel: str, deadline_s: float = DEADLINE_S) -> int:
    """Count the connections that hear a channel now, over all workers.

    A worker that does not answer in time is not counted; nor is another listener on the control
    channel, say a ``redis-cli SUBSCRIBE``, for which this waits until the deadline.

    Args:
        channel: a channel name, say ``broadcast`` or ``user:7``.
        deadline_s: how long to wait for the slowest worker.

    Raises:
        redis.RedisError: Redis cannot be asked.
    """
    request_id = token_urlsafe(12)
    asked = tell_gateways(CountConnections(check_channel(channel), request_id))
    if redis_clients.kind() is Kind.CLUSTER:
        # A node of a cluster counts its own subscribers alone.
        asked = redis_clients.records().scard(conf.current().names.workers)
    return sum(_answers(conf.current().names.reply(request_id), asked, monotonic() + deadline_s))


def _answers(key: str, count: int, deadline: float) -> Iterator[int]:
    client = redis_clients.records()
    for _ in range(count):
        left_s = deadline - monotonic()
        # A timeout of 0 would wait for ever.
        answer = client.blpop([key], timeout=left_s) if left_s > 0.001 else None
        if answer is None:
            return
        yield int(answer[1])
