"""Counting the connections of a channel: the workers are asked, and answer in Redis."""

from collections.abc import Iterator
from secrets import token_urlsafe
from time import monotonic

from sockgate_gateway.wire.addresses import Kind
from sockgate_gateway.wire.control import CountConnections
from sockgate_gateway.wire.names import check_channel

from .. import conf
from ..redis_clients import pools
from ..redis_clients.control import send_control
from ..tenants import qualify

DEADLINE_S = 1.0


def count_connections(channel: str, deadline_s: float = DEADLINE_S) -> int:
    """Count the connections that are subscribed to a channel now, over all workers.

    A worker that does not answer in time is not counted. Another subscriber of the control channel,
    such as a ``redis-cli SUBSCRIBE``, makes the call wait until the deadline.

    Args:
        channel: a channel name, for example ``broadcast`` or ``user:7``.
        deadline_s: seconds to wait for the slowest worker.

    Raises:
        ChannelNameError: the text is not a channel name.
        redis.RedisError: Redis fails or does not answer.
    """
    request_id = token_urlsafe(12)
    count = send_control(CountConnections(qualify(check_channel(channel)), request_id))
    if pools.kind() is Kind.CLUSTER:
        # A node of a cluster counts only its own subscribers.
        count = pools.records().scard(conf.current().names.workers)
    return sum(_answers(conf.current().names.reply(request_id), count, monotonic() + deadline_s))


def _answers(key: str, count: int, deadline: float) -> Iterator[int]:
    client = pools.records()
    for _ in range(count):
        left_s = deadline - monotonic()
        # A timeout of 0 would wait forever.
        answer = client.blpop([key], timeout=left_s) if left_s > 0.001 else None
        if answer is None:
            return
        yield int(answer[1])
